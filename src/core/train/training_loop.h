// A training, iteration by iteration.
#pragma once

#include <vector>

#include "core/train/iterations.h"
#include "core/train/trainer.h"

namespace als {

/// The trainer and its iterations. Between two of them it can be put aside and taken
/// up again; its results are the same bits then.
class TrainingLoop {
 public:
  /// How far a training has come. To begin with: factors to start from.
  struct State {
    Factors users;
    Factors items;
    PriorStates priors = {};        ///< to begin with, none
    std::vector<double> loss = {};  ///< after each iteration
    std::size_t refined_rows = 0;   ///< see Trainer
    bool finished = false;
  };

  /// `ratings`, `options`, `team` and the features must outlive the training. A training that goes
  /// on has the features that it had.
  TrainingLoop(const Ratings& ratings, const TrainOptions& options, State state, ThreadTeam& team,
               SideFeatures features = {});

  /// To be called until finished().
  void iterate() { iterations_.iterate(); }

  bool finished() const { return iterations_.finished(); }
  int iterations() const { return static_cast<int>(loss().size()); }
  const std::vector<double>& loss() const { return iterations_.loss(); }
  std::size_t refined_rows() const { return refined_before_ + trainer_.refined_rows(); }
  const Trainer& trainer() const { return trainer_; }

  /// Puts the training aside, which is of no use afterwards.
  State take_state();

 private:
  Trainer trainer_;
  Iterations iterations_;
  std::size_t refined_before_;
};

/// Where a training of these ratings, of items with these keys, begins: see initial_factors.h.
TrainingLoop::State start_of_training(const Ratings& ratings,
                                      const std::vector<std::uint64_t>& item_keys,
                                      const TrainOptions& options, ThreadTeam& team);

}  // namespace als
