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
  // Three passes of a product and a sum; or the sum of the equations, and their factorisation.
  if (uses_cg(options)) return ratings * 12 * k;
  return ratings * k * k + rows * k * k * k / 3;
}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options, Factors users, Factors items,
                 ThreadTeam& team, double loss, SideFeatures features)
    : team_(team),
      cg_(uses_cg(options)),
      mean_(options.biases ? ratings.mean() : 0.0),
      user_step_(ratings.by_user(), ratings.items(), options, mean_, team),
      item_step_(ratings.by_item(), ratings.users(), options, mean_, team),
      workspace_(options, team, loss),
      over_relaxation_(std::isfinite(loss)),
      users_(std::move(users)),
      items_(std::move(items)) {
  if (features.users != nullptr) lean_on(*features.users, options, users_, user_step_, user_prior_);
  if (features.items != nullptr) lean_on(*features.items, options, items_, item_step_, item_prior_);
  item_ridge_ = item_step_.ridge(items_, team);
}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options,
                 const std::vector<std::uint64_t>& item_keys, ThreadTeam& team)
    : Trainer(ratings, options, zero_factors(ratings.users(), options, team),
              initial_factors(item_keys, options, ratings.spread(), team), team) {}

void Trainer::lean_on(const FeatureRows& features, const TrainOptions& options, const Factors& rows,
                      HalfStep& step, std::optional<FeaturePrior>& prior) {
  prior.emplace(features, step.row_weights(), options.feature_regularization,
                options.feature_strength, static_cast<std::size_t>(options.factors), options.biases,
                team_);
  step.lean_on(&*prior);
  prior->fit(rows, team_);
}

double Trainer::record(const HalfStep::Result& result, double& ridge) {
  ridge = result.ridge;
  refined_rows_ += result.refined_rows;
  workspace_.loss = result.fit + user_ridge_ + item_ridge_;
  return workspace_.loss;
}

/// With features their weights follow the rows: another minimum of the same objective.
double Trainer::record_users(const HalfStep::Result& result) {
  const double loss = record(result, user_ridge_);
  if (!user_prior_) return loss;
  user_prior_->fit(users_, team_);
  user_ridge_ = user_step_.ridge(users_, team_);
  workspace_.loss = result.fit + user_ridge_ + item_ridge_;
  return workspace_.loss;
}

double Trainer::record_items(const HalfStep::Result& result) {
  const double loss = record(result, item_ridge_);
  if (!item_prior_) return loss;
  item_prior_->fit(items_, team_);
  item_ridge_ = item_step_.ridge(items_, team_);
  workspace_.loss = result.fit + user_ridge_ + item_ridge_;
  return workspace_.loss;
}

double Trainer::solve_users() {
  if (!cg_) return record_users(user_step_.solve(items_, workspace_, team_, users_));
  workspace_.over_relaxation = over_relaxation_.next();
  const HalfStep::Result result = user_step_.cg_step(items_, item_step_, workspace_, team_, users_);
  item_ridge_ = item_step_.ridge(items_, team_);
  return record_users(result);
}

double Trainer::solve_items() {
  if (!cg_) {
    return record_items(item_step_.solve(users_, workspace_, team_, items_));
  }
  workspace_.over_relaxation = over_relaxation_.next();
  const HalfStep::Result result = item_step_.cg_step(users_, user_step_, workspace_, team_, items_);
  user_ridge_ = user_step_.ridge(users_, team_);
  return record_items(result);
}

double Trainer::finish() {
  return record(user_step_.solve(items_, workspace_, team_, users_), user_ridge_);
}

}  // namespace als
