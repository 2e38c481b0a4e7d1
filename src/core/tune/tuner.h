// Trials of many options on the same ratings.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "core/train/training_loop.h"
#include "core/tune/successive_halving.h"

namespace als {

/// Trains with each of several options and stops the poor ones early, by successive halving.
///
/// A trial that stops is put aside with its factors as long as memory lasts for those that may go
/// on; one whose factors had to be given up is trained again if it does. The results are the same
/// bits.
class Tuner {
 public:
  struct Trial {
    TrainOptions options;
    double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN: the factors have overflowed
    int iterations = 0;                                       ///< done when the value was taken
    double seconds = 0;                                       ///< training and judging
    std::size_t rung = 0;                                     ///< the last one reached
    std::size_t rank = 0;                                     ///< 1 is the best

    std::optional<TrainingLoop::State> state = {};  ///< none before the start, and when given up
    bool finished = false;
  };

  /// What there is to be told and asked for while trials run.
  struct Callbacks {
    std::function<ThreadTeam(const TrainOptions&)> team;               ///< for a trial
    std::function<double(const Trainer&, ThreadTeam&)> evaluate;       ///< the value of a trial
    std::function<void(std::size_t trial, int iterations)> iteration;  ///< after each
    std::function<bool()> out_of_time = {};                            ///< asked after each trial
  };

  /// `memory`: for the factors of trials put aside, in bytes. `ratings`, `item_keys` and the
  /// features, which all trials have, must outlive the tuner.
  Tuner(const Ratings& ratings, const std::vector<std::uint64_t>& item_keys,
        const std::vector<TrainOptions>& options, bool more_is_better, std::size_t memory,
        Callbacks callbacks, SideFeatures features = {});

  /// How many iterations all trials have ahead of them at most, but for those done again.
  std::int64_t iterations(const std::vector<Rung>& rungs) const;

  /// Runs the trials, on each rung the best of the one before first. Afterwards they are ranked: by
  /// the rung they came to, then by their values, ties by their order. Out of time, no other trial
  /// begins or goes on; those that never began have done no iterations, and rank last.
  void run(const std::vector<Rung>& rungs);

  const std::vector<Trial>& trials() const { return trials_; }
  std::size_t repeated() const { return repeated_; }  ///< trainings begun again

 private:
  bool better(std::size_t a, std::size_t b) const;
  void advance(std::size_t trial, int iterations);
  void run_iterations(std::size_t trial, int iterations);
  void make_room(const std::vector<std::size_t>& ranked, std::size_t go_on);
  std::size_t kept_bytes() const;

  const Ratings& ratings_;
  const std::vector<std::uint64_t>& item_keys_;
  const bool more_is_better_;
  const std::size_t memory_;
  const Callbacks callbacks_;
  const SideFeatures features_;
  std::vector<Trial> trials_;
  std::size_t repeated_ = 0;
};

}  // namespace als
