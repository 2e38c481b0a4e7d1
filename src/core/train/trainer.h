// Alternating least squares.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/ratings.h"
#include "core/features/feature_prior.h"
#include "core/train/half_step.h"
#include "core/train/half_steps.h"
#include "core/train/options.h"

namespace als {

/// Where the priors of both sides are, those of sides that have features.
struct PriorStates {
  std::optional<FeaturePrior::State> users;
  std::optional<FeaturePrior::State> items;
};

/// Trains a model by alternating least squares on the objective in options.h.
///
/// In the order that HalfSteps says. So in the end each user's factors are the exact solution for
/// the items as they are, which is what a fold-in of the same ratings gives.
///
/// Bit for bit reproducible: the result depends on the ratings, the options, where it starts and
/// the SIMD level, not on the number of threads.
class Trainer : public HalfSteps {
 public:
  /// Starts from these factors, which must have the shape that the options ask for. `ratings`,
  /// the features and `team` must outlive the trainer. loss: what the last half-step of the trainer
  /// returned from which this one takes over, after an iteration or more; priors: those it had. The
  /// weights of features start as the regression of these factors otherwise.
  Trainer(const Ratings& ratings, const TrainOptions& options, Factors users, Factors items,
          ThreadTeam& team, double loss = INFINITY, SideFeatures features = {},
          PriorStates priors = {});

  /// Starts from initial_factors() of the items.
  Trainer(const Ratings& ratings, const TrainOptions& options,
          const std::vector<std::uint64_t>& item_keys, ThreadTeam& team);

  /// One half-step: solves every user (item) row for the other side held fixed, by the solver of
  /// the options. Returns the value of the objective after it.
  ///
  /// It never rises, for any ratings and any lambda, but for rounding: the objective by 1e-7 and
  /// what is returned by 5e-6 at most of what it is where all factors are zero.
  double solve_users() override;
  double solve_items() override;

  /// Fits the weights of features, and solves every user row exactly for them, whatever the solver.
  /// Returns the value of the objective.
  double finish() override;

  /// Whether half-steps are steps of conjugate gradients, which Solver::kAuto leaves open.
  bool cg() const { return cg_; }

  const Factors& users() const { return users_.factors; }
  const Factors& items() const { return items_.factors; }
  double mean() const { return mean_; }  ///< mu; 0 without biases

  /// What features say of a side's factors; null without features.
  const FeaturePrior* user_prior() const { return users_.prior ? &*users_.prior : nullptr; }
  const FeaturePrior* item_prior() const { return items_.prior ? &*items_.prior : nullptr; }

  /// Hands over the factors: from where they are, another trainer goes on as this one would have.
  Factors take_users() { return std::move(users_.factors); }
  Factors take_items() { return std::move(items_.factors); }
  PriorStates take_priors();

  /// Row solves that single precision was not enough for: done again in double precision, or with a
  /// ridge around where the row was, or given up so that the row stays as it was.
  std::size_t refined_rows() const override { return refined_rows_; }

 private:
  struct TrainedSide {
    void lean_on(const FeatureRows* features, double strength, const TrainOptions& options,
                 std::optional<FeaturePrior::State> state, ThreadTeam& team);
    std::optional<FeaturePrior::State> take_prior();

    HalfStep step;
    Factors factors;
    std::optional<FeaturePrior> prior;
    double ridge = 0;  ///< lambda * sum of W^e |x|^2 of the rows as they are
  };

  double solve(TrainedSide& solved, TrainedSide& fixed);
  double record(const HalfStep::Result& result, TrainedSide& side);
  double record_and_fit(const HalfStep::Result& result, TrainedSide& side);
  double total(double fit);

  ThreadTeam& team_;
  bool cg_;
  double mean_;
  TrainedSide users_;
  TrainedSide items_;
  TrainingWorkspace workspace_;
  OverRelaxation over_relaxation_;
  std::size_t refined_rows_ = 0;
};

/// About how many operations a half-step takes that solves so many rows of so many ratings in all.
double half_step_operations(const TrainOptions& options, double ratings, double rows);

/// Peak bytes of a whole training run: the buffer, the compressed rows of both sides, the factors
/// and the working memory of the threads. `id_bytes`: what the id tables hold at the end of
/// reading. `weighted`: whether ratings have weights.
std::size_t training_memory(std::size_t ratings, std::size_t users, std::size_t items,
                            std::size_t id_bytes, const TrainOptions& options, int threads,
                            bool weighted = false);

}  // namespace als
