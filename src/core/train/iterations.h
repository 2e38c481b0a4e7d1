// The iterations of a training, wherever its half-steps run.
#pragma once

#include <utility>
#include <vector>

#include "core/train/half_steps.h"
#include "core/train/options.h"

namespace als {

/// Runs the iterations that the options ask for: until the last one, or until the loss stands
/// still.
class Iterations {
 public:
  /// `options` and `steps` must outlive this. loss: after each iteration that there was already.
  Iterations(const TrainOptions& options, HalfSteps& steps, std::vector<double> loss = {},
             bool finished = false);

  /// To be called until finished(): after the number of iterations asked for, or when one has
  /// lowered the loss by less than the tolerance.
  void iterate();

  bool finished() const { return finished_; }
  const std::vector<double>& loss() const { return loss_; }
  std::vector<double> take_loss() { return std::move(loss_); }

 private:
  const TrainOptions& options_;
  HalfSteps& steps_;
  std::vector<double> loss_;
  bool finished_;
};

}  // namespace als
