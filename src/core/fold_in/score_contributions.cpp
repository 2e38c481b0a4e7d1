// Splits a score by the ratings of its row, with one more solution of the row's equations.
#include "core/fold_in/score_contributions.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/products.h"
#include "core/train/exact_solver.h"

namespace als {
namespace {

/// Takes out the unknowns that are held at zero: what is left of their equations is x_k = 0.
void hold_at_zero(const std::vector<std::size_t>& held, NormalEquations& equations) {
  const std::size_t n = equations.unknowns();
  for (const std::size_t k : held) {
    for (std::size_t c = 0; c < n; ++c) {
      if (c != k) equations.matrix()[k < c ? matrix_index(c, k) : matrix_index(k, c)] = 0;
    }
    equations.rhs()[k] = 0;
  }
}

}  // namespace

/// The row is z = A^-1 b, with A the matrix of its equations and the ridge, and b = sum of h_j z_j
/// over its ratings, and for the features the ridge's pull times where they
/// expect the row, see lean(). So with v = A^-1 [y, 0], which A being symmetric is one more
/// solution of the same equations, x . y = b . v = sum of h_j (z_j . v). With factors that must not
/// be negative, some are held at zero, and the others solve the equations that are left.
Explanation explain(const RowObjective& objective, const RowRatings& ratings,
                    const BiasedView& fixed, const float* gram, const float* y, ThreadTeam& team,
                    const RowMean& mean) {
  const TrainOptions& options = objective.options();
  const auto factors = static_cast<std::size_t>(options.factors);
  NormalEquations equations = equations_of(objective, ratings, fixed, gram, team);
  std::vector<float> leaning(options.unknowns(), 0.0F);
  const Ridge ridge = objective.ridge(objective.weight(ratings));
  lean(mean, ridge, options, leaning.data());
  for (std::size_t k = 0; k < leaning.size(); ++k) equations.rhs()[k] += leaning[k];
  std::vector<float> solution(options.unknowns(), 0.0F);
  ExactSolver(options).solve(equations, ridge, solution.data());

  std::fill_n(equations.rhs(), blocks_of(options.unknowns()) * kBlock, 0.0F);
  std::copy_n(y, factors, equations.rhs());
  if (options.nonnegative) {
    std::vector<std::size_t> held;
    for (std::size_t k = 0; k < factors; ++k) {
      if (solution[k] == 0) held.push_back(k);
    }
    hold_at_zero(held, equations);
  }
  std::vector<float> v(options.unknowns(), 0.0F);
  CholeskySolver(options.unknowns(), factors).solve(equations, ridge, v.data());

  Explanation explanation;
  for (std::size_t e = 0; e < ratings.count; ++e) {
    const std::uint32_t column = ratings.columns[e];
    double pull = dot(v.data(), fixed.row(column), factors);
    if (options.biases) pull += v[factors];
    const double bias = fixed.bias == nullptr ? 0.0 : fixed.bias[column];
    explanation.contributions.push_back(
        pull * objective.rhs_weight(ratings.values[e], ratings.weight(e), bias));
  }
  explanation.features = dot(v.data(), leaning.data(), options.unknowns());
  // A score may be small beside its parts. What their rounding leaves between it and their sum goes
  // to them, in proportion.
  double sum = explanation.features;
  double size = std::fabs(explanation.features);
  for (const double part : explanation.contributions) {
    sum += part;
    size += std::fabs(part);
  }
  const double rest = dot(solution.data(), y, factors) - sum;
  const auto correct = [&](double& part) {
    if (size > 0) part += rest * std::fabs(part) / size;
  };
  for (double& part : explanation.contributions) correct(part);
  correct(explanation.features);
  explanation.row.bias = options.biases ? solution[factors] : 0.0F;
  solution.resize(factors);
  explanation.row.vector = std::move(solution);
  return explanation;
}

}  // namespace als
