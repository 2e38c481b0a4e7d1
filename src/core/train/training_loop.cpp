// A trainer that is put aside and taken up again.
#include "core/train/training_loop.h"

#include <cmath>
#include <utility>

#include "core/train/initial_factors.h"

namespace als {

TrainingLoop::TrainingLoop(const Ratings& ratings, const TrainOptions& options, State state,
                           ThreadTeam& team, SideFeatures features)
    : trainer_(ratings, options, std::move(state.users), std::move(state.items), team,
               state.loss.empty() ? INFINITY : state.loss.back(), features,
               std::move(state.priors)),
      iterations_(options, trainer_, std::move(state.loss), state.finished),
      refined_before_(state.refined_rows) {}

TrainingLoop::State TrainingLoop::take_state() {
  State state;
  state.users = trainer_.take_users();
  state.items = trainer_.take_items();
  state.priors = trainer_.take_priors();
  state.loss = iterations_.take_loss();
  state.refined_rows = refined_rows();
  state.finished = finished();
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
