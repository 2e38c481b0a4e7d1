// Alternates the half-steps of users and items, and adds up the objective.
#include "core/train/trainer.h"

#include <utility>

#include "core/train/initial_factors.h"

namespace als {
namespace {

/// Conjugate gradients come to a lower objective in the same time at any number of factors, but
/// know no bounds.
bool uses_cg(const TrainOptions& options) {
  return options.solver != Solver::kDirect && !options.nonnegative;
}

}  // namespace

double half_step_operations(const TrainOptions& options, double ratings, double rows) {
  const double k = options.factors;
  // Three passes of a product, two of them with a sum; or the sum of the equations, and their
  // factorisation.
  if (uses_cg(options)) return ratings * 10 * k;
  return ratings * k * k + rows * k * k * k / 3;
}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options, Factors users, Factors items,
                 ThreadTeam& team, double loss, SideFeatures features, PriorStates priors)
    : team_(team),
      cg_(uses_cg(options)),
      mean_(options.biases ? ratings.mean() : 0.0),
      users_{{ratings.by_user(), ratings.items(), options, mean_, team}, std::move(users), {}},
      items_{{ratings.by_item(), ratings.users(), options, mean_, team}, std::move(items), {}},
      workspace_(options, team, loss),
      over_relaxation_(std::isfinite(loss)) {
  users_.lean_on(features.users, options.user_feature_strength, options, std::move(priors.users),
                 team);
  items_.lean_on(features.items, options.feature_strength, options, std::move(priors.items), team);
  items_.ridge = items_.step.ridge(items_.factors, team);
}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options,
                 const std::vector<std::uint64_t>& item_keys, ThreadTeam& team)
    : Trainer(ratings, options, zero_factors(ratings.users(), options, team),
              initial_factors(item_keys, options, ratings.spread(), team), team) {}

void Trainer::TrainedSide::lean_on(const FeatureRows* features, double strength,
                                   const TrainOptions& options,
                                   std::optional<FeaturePrior::State> state, ThreadTeam& team) {
  if (features == nullptr) return;
  prior.emplace(*features, step.row_weights(), options.feature_regularization, strength,
                static_cast<std::size_t>(options.factors), options.biases, team);
  step.lean_on(&*prior);
  if (state)
    prior->go_on_from(std::move(*state));
  else
    prior->fit(factors, team);
}

std::optional<FeaturePrior::State> Trainer::TrainedSide::take_prior() {
  if (!prior) return std::nullopt;
  return prior->take_state();
}

PriorStates Trainer::take_priors() { return {users_.take_prior(), items_.take_prior()}; }

double Trainer::total(double fit) {
  workspace_.loss = fit + users_.ridge + items_.ridge;
  return workspace_.loss;
}

/// A half-step knows its rows' part of the ridge. With features there is that of their weights,
/// too.
double Trainer::record(const HalfStep::Result& result, TrainedSide& side) {
  side.ridge = side.prior ? side.step.ridge(side.factors, team_) : result.ridge;
  refined_rows_ += result.refined_rows;
  return total(result.fit);
}

/// With features their weights follow the rows: another minimum of the same objective.
double Trainer::record_and_fit(const HalfStep::Result& result, TrainedSide& side) {
  if (side.prior) side.prior->fit_and_go_on(side.factors, team_);
  return record(result, side);
}

double Trainer::solve(TrainedSide& solved, TrainedSide& fixed) {
  if (!cg_)
    return record_and_fit(solved.step.solve(fixed.factors, workspace_, team_, solved.factors),
                          solved);
  workspace_.over_relaxation = over_relaxation_.next();
  const HalfStep::Result result =
      solved.step.cg_step(fixed.factors, fixed.step, workspace_, team_, solved.factors);
  fixed.ridge = fixed.step.ridge(fixed.factors, team_);
  return record_and_fit(result, solved);
}

double Trainer::solve_users() { return solve(users_, items_); }

double Trainer::solve_items() { return solve(items_, users_); }

double Trainer::finish() {
  // What features say of new rows is where their weights are least, not beyond.
  for (TrainedSide* side : {&items_, &users_}) {
    if (!side->prior) continue;
    side->prior->fit(side->factors, team_);
    side->ridge = side->step.ridge(side->factors, team_);
  }
  return record(users_.step.solve(items_.factors, workspace_, team_, users_.factors), users_);
}

}  // namespace als
