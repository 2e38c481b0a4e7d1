// Runs the trials rung by rung, putting trainings aside in between where memory allows.
#include "core/tune/tuner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "core/base/stopwatch.h"

namespace als {
namespace {

std::size_t bytes_of(const Factors& factors) {
  return (factors.matrix.rows() * factors.matrix.stride() + factors.bias.size()) * sizeof(float);
}

std::size_t bytes_of(const std::optional<FeaturePrior::State>& prior) {
  return prior ? bytes_of(prior->weights) + bytes_of(prior->means) : 0;
}

std::size_t bytes_of(const TrainingLoop::State& state) {
  return bytes_of(state.users) + bytes_of(state.items) + bytes_of(state.priors.users) +
         bytes_of(state.priors.items);
}

}  // namespace

Tuner::Tuner(const Ratings& ratings, const std::vector<std::uint64_t>& item_keys,
             const std::vector<TrainOptions>& options, bool more_is_better, std::size_t memory,
             Callbacks callbacks, SideFeatures features)
    : ratings_(ratings),
      item_keys_(item_keys),
      more_is_better_(more_is_better),
      memory_(memory),
      callbacks_(std::move(callbacks)),
      features_(features) {
  for (const TrainOptions& of_trial : options) {
    trials_.emplace_back();
    trials_.back().options = of_trial;
  }
}

std::int64_t Tuner::iterations(const std::vector<Rung>& rungs) const {
  // Those that go on are not known yet: the longest ones might.
  std::vector<int> asked(trials_.size());
  std::transform(trials_.begin(), trials_.end(), asked.begin(),
                 [](const Trial& trial) { return trial.options.iterations; });
  std::sort(asked.rbegin(), asked.rend());
  std::int64_t sum = 0;
  int before = 0;
  for (const Rung& rung : rungs) {
    for (std::size_t t = 0; t < rung.trials; ++t) {
      sum += std::max(std::min(rung.iterations, asked[t]) - before, 0);
    }
    before = rung.iterations;
  }
  return sum;
}

bool Tuner::better(std::size_t a, std::size_t b) const {
  const double value_a = trials_[a].value;
  const double value_b = trials_[b].value;
  if (std::isnan(value_a) != std::isnan(value_b)) return std::isnan(value_b);
  if (value_a == value_b || std::isnan(value_a)) return a < b;
  return more_is_better_ ? value_a > value_b : value_a < value_b;
}

void Tuner::run_iterations(std::size_t index, int iterations) {
  Trial& trial = trials_[index];
  ThreadTeam team = callbacks_.team(trial.options);
  if (!trial.state) {
    repeated_ += trial.iterations > 0 ? 1 : 0;
    trial.state = start_of_training(ratings_, item_keys_, trial.options, team);
  }
  TrainingLoop training(ratings_, trial.options, std::move(*trial.state), team, features_);
  trial.state.reset();
  while (!training.finished() && training.iterations() < iterations) {
    training.iterate();
    callbacks_.iteration(index, training.iterations());
  }
  trial.value = callbacks_.evaluate(training.trainer(), team);
  trial.iterations = training.iterations();
  trial.finished = training.finished();
  trial.state = training.take_state();
}

void Tuner::advance(std::size_t index, int iterations) {
  Trial& trial = trials_[index];
  if (trial.finished) return;
  const Stopwatch watch;
  try {
    run_iterations(index, iterations);
  } catch (const std::range_error&) {
    // Options under which the factors overflow are the worst, and no reason to stop.
    trial.value = std::numeric_limits<double>::quiet_NaN();
    trial.finished = true;
  }
  if (trial.finished) trial.state.reset();
  trial.seconds += watch.seconds();
}

std::size_t Tuner::kept_bytes() const {
  return std::accumulate(trials_.begin(), trials_.end(), std::size_t{0},
                         [](std::size_t sum, const Trial& trial) {
                           return trial.state ? sum + bytes_of(*trial.state) : sum;
                         });
}

/// `ranked`: the trials that are done with this rung, the best first, of which `go_on` go on. The
/// rest will not, and of those that may the worst are the least likely to. The others have come to
/// this rung already: they are kept.
void Tuner::make_room(const std::vector<std::size_t>& ranked, std::size_t go_on) {
  for (std::size_t r = ranked.size(); r-- > 0;) {
    if (r < go_on && kept_bytes() <= memory_) return;
    trials_[ranked[r]].state.reset();
  }
}

void Tuner::run(const std::vector<Rung>& rungs) {
  std::vector<std::size_t> order(trials_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto by_value = [this](std::size_t a, std::size_t b) { return better(a, b); };
  bool out_of_time = false;
  for (std::size_t r = 0; r < rungs.size() && !out_of_time; ++r) {
    const std::size_t go_on = r + 1 < rungs.size() ? rungs[r + 1].trials : 0;
    std::vector<std::size_t> ranked;
    for (std::size_t n = 0; n < rungs[r].trials && !out_of_time; ++n) {
      advance(order[n], rungs[r].iterations);
      trials_[order[n]].rung = r;
      ranked.insert(std::lower_bound(ranked.begin(), ranked.end(), order[n], by_value), order[n]);
      make_room(ranked, go_on);
      out_of_time = callbacks_.out_of_time && callbacks_.out_of_time();
    }
    // Those that there was no time for stay behind these, as they were.
    std::copy(ranked.begin(), ranked.end(), order.begin());
  }
  for (std::size_t n = 0; n < order.size(); ++n) trials_[order[n]].rank = n + 1;
}

}  // namespace als
