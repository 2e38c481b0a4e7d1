#include "core/trainer.h"

#include <utility>

#include "core/initial_factors.h"

namespace als {
namespace {

// From so many factors on two steps of conjugate gradients take less time than a factorisation.
constexpr int kGradualFactors = 16;

bool is_gradual(const TrainOptions& options) {
  if (options.nonnegative) return false;
  if (options.solver == Solver::kAuto) return options.factors >= kGradualFactors;
  return options.solver == Solver::kConjugateGradients;
}

}  // namespace

double half_step_operations(const TrainOptions& options, double ratings, double rows) {
  const double k = options.factors;
  // Three passes of a product and a sum; or the sum of the equations, and their factorisation.
  if (is_gradual(options)) return ratings * 12 * k;
  return ratings * k * k + rows * k * k * k / 3;
}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options, Factors users, Factors items,
                 ThreadTeam& team)
    : team_(team),
      gradual_(is_gradual(options)),
      mean_(options.biases ? ratings.mean() : 0.0),
      user_step_(ratings.by_user(), ratings.by_item(), options, mean_),
      item_step_(ratings.by_item(), ratings.by_user(), options, mean_),
      workshop_(options, team),
      users_(std::move(users)),
      items_(std::move(items)),
      item_ridge_(item_step_.ridge(items_, team)) {}

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options,
                 const std::vector<std::uint64_t>& item_keys, ThreadTeam& team)
    : Trainer(ratings, options, zero_factors(ratings.users(), options, team),
              initial_factors(item_keys, options, team), team) {}

double Trainer::record(const HalfStep::Result& result, double& ridge) {
  ridge = result.ridge;
  refined_rows_ += result.refined_rows;
  return result.fit + user_ridge_ + item_ridge_;
}

double Trainer::solve_users() {
  if (!gradual_) return finish();
  return record(user_step_.descend(items_, workshop_, team_, users_), user_ridge_);
}

double Trainer::solve_items() {
  return record(gradual_ ? item_step_.descend(users_, workshop_, team_, items_)
                         : item_step_.solve(users_, workshop_, team_, items_),
                item_ridge_);
}

double Trainer::finish() {
  return record(user_step_.solve(items_, workshop_, team_, users_), user_ridge_);
}

}  // namespace als
