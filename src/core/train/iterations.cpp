// Iterates until the last iteration or until the loss stands still.
#include "core/train/iterations.h"

#include <cmath>
#include <utility>

#include "core/base/limits.h"

namespace als {

Iterations::Iterations(const TrainOptions& options, HalfSteps& steps, std::vector<double> loss,
                       bool finished)
    : options_(options), steps_(steps), loss_(std::move(loss)), finished_(finished) {}

void Iterations::iterate() {
  if (loss_.empty()) steps_.solve_users();
  steps_.solve_items();
  const bool last = static_cast<int>(loss_.size()) + 1 == options_.iterations;
  double loss = last ? steps_.finish() : steps_.solve_users();
  // Without a tolerance not even a loss that has come to a standstill ends the training.
  const bool converged = options_.tolerance > 0 && !last && !loss_.empty() &&
                         loss_.back() - loss < options_.tolerance * loss_.back();
  if (converged) loss = steps_.finish();
  // Each row is finite, but what they add up to need not be.
  if (std::isnan(loss)) throw_ratings_too_large();
  loss_.push_back(loss);
  finished_ = last || converged;
}

}  // namespace als
