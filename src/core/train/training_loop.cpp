// Iterates until the last iteration or until the loss stands still.
#include "core/train/training_loop.h"

#include <cmath>
#include <utility>

#include "core/train/initial_factors.h"

namespace als {

TrainingLoop::TrainingLoop(const Ratings& ratings, const TrainOptions& options, State state,
                           ThreadTeam& team)
    : options_(options),
      trainer_(ratings, options, std::move(state.users), std::move(state.items), team,
               state.loss.empty() ? INFINITY : state.loss.back()),
      loss_(std::move(state.loss)),
      refined_before_(state.refined_rows),
      finished_(state.finished) {}

void TrainingLoop::iterate() {
  if (loss_.empty()) trainer_.solve_users();
  trainer_.solve_items();
  const bool last = iterations() + 1 == options_.iterations;
  double loss = last ? trainer_.finish() : trainer_.solve_users();
  // Without a tolerance not even a loss that has come to a standstill ends the training.
  const bool converged = options_.tolerance > 0 && !last && !loss_.empty() &&
                         loss_.back() - loss < options_.tolerance * loss_.back();
  if (converged) loss = trainer_.finish();
  loss_.push_back(loss);
  finished_ = last || converged;
}

TrainingLoop::State TrainingLoop::take_state() {
  State state;
  state.users = trainer_.take_users();
  state.items = trainer_.take_items();
  state.loss = std::move(loss_);
  state.refined_rows = refined_rows();
  state.finished = finished_;
  return state;
}

TrainingLoop::State start_of_training(const Ratings& ratings,
                                      const std::vector<std::uint64_t>& item_keys,
                                      const TrainOptions& options, ThreadTeam& team) {
  TrainingLoop::State state;
  state.users = zero_factors(ratings.users(), options, team);
  state.items = initial_factors(item_keys, options, ratings.spread(), team);
  return state;
}

}  // namespace als
