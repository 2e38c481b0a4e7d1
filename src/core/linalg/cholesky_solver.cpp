// Cholesky in single precision; in double, and by proximal steps, where that is not enough.
#include "core/linalg/cholesky_solver.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/limits.h"

namespace als {
namespace {

// A pivot smaller than this part of its diagonal entry has lost most of its 24 bits to
// cancellation.
constexpr float kPivotTolerance = 1e-5F;

// A pivot of this part has kept most of them.
constexpr float kWellConditioned = 1e-3F;

// The same where the factorisation adds no rounding errors of its own, but the entries of A are
// single-precision sums.
constexpr double kDoublePivotTolerance = 5e-7;

// The first ridge around x to try, as a part of the largest diagonal entry among factors, and of a
// bias's own, and by how much it grows.
constexpr double kFirstRidge = 1e-5;
constexpr double kRidgeGrowth = 100;

// Proximal steps (Martinet 1970): each leaves extra / (extra + eigenvalue) of what x lacks along an
// eigenvector.
constexpr int kProximalSteps = 3;

using Factorisation = Eigen::LLT<Eigen::MatrixXd>;

bool positive_definite(const Eigen::MatrixXd& a, const Factorisation& llt) {
  if (llt.info() != Eigen::Success) return false;
  for (Eigen::Index c = 0; c < a.rows(); ++c) {
    const double root = llt.matrixLLT()(c, c);
    if (!(root * root > kDoublePivotTolerance * a(c, c))) return false;
  }
  return true;
}

}  // namespace

CholeskySolver::CholeskySolver(std::size_t unknowns, std::size_t factors)
    : unknowns_(unknowns),
      factors_(factors),
      kernels_(kernels()),
      factor_(matrix_floats(unknowns), 0.0F),
      inverse_diagonal_(blocks_of(unknowns) * kBlock, 0.0F),
      x_(blocks_of(unknowns) * kBlock, 0.0F) {}

bool CholeskySolver::has_negligible(const NormalEquations& equations, Ridge ridge) const {
  float least = std::numeric_limits<float>::max();
  float most = 0;
  for (std::size_t k = 0; k < factors_; ++k) {
    const float entry = equations.at(k, k) + (k + 1 < unknowns_ ? ridge.others : ridge.last);
    least = std::min(least, entry);
    most = std::max(most, entry);
  }
  return !(least > NormalEquations::kNegligible * most);
}

bool CholeskySolver::factorize(const NormalEquations& equations, Ridge ridge, float tolerance) {
  return !has_negligible(equations, ridge) &&
         kernels_.cholesky(equations.matrix(), unknowns_, ridge, tolerance, factor_.data(),
                           inverse_diagonal_.data());
}

bool CholeskySolver::well_conditioned(const NormalEquations& equations, Ridge ridge) {
  return factorize(equations, ridge, kWellConditioned);
}

CholeskySolver::Solution CholeskySolver::solve(const NormalEquations& equations, Ridge ridge,
                                               float* x) {
  Solution solution{0, true};
  if (factorize(equations, ridge, kPivotTolerance)) {
    const float* b = equations.rhs();
    std::copy_n(b, x_.size(), x_.begin());
    kernels_.cholesky_solve(factor_.data(), inverse_diagonal_.data(), unknowns_, x_.data());
    // With (A + R) x = b, the quadratic is c - b^T x.
    for (std::size_t k = 0; k < unknowns_; ++k) {
      solution.reduction += static_cast<double>(x_[k]) * b[k];
      x[k] = x_[k];
    }
  } else {
    solution = {solve_in_double(equations, ridge, x), false};
  }
  const bool finite =
      std::all_of(x, x + unknowns_, [](float value) { return std::isfinite(value); });
  if (!finite || !std::isfinite(solution.reduction)) throw_ratings_too_large();
  return solution;
}

double CholeskySolver::solve_in_double(const NormalEquations& equations, Ridge ridge, float* x) {
  const auto n = static_cast<Eigen::Index>(unknowns_);
  Eigen::MatrixXd a(n, n);
  Eigen::VectorXd b(n);
  for (Eigen::Index c = 0; c < n; ++c) {
    b[c] = equations.rhs()[c];
    for (Eigen::Index r = c; r < n; ++r) {
      a(r, c) = equations.at(static_cast<std::size_t>(r), static_cast<std::size_t>(c));
    }
    a(c, c) += c + 1 < n ? ridge.others : ridge.last;
  }
  const double largest = a.diagonal().maxCoeff();
  // All vectors are zero, and x is free: zero is the shortest.
  if (largest == 0) {
    std::fill_n(x, unknowns_, 0.0F);
    return 0;
  }

  Eigen::Map<Eigen::VectorXf> solution(x, n);
  // A short way of such an unknown is worth nothing, and one that is worth something would take x
  // beyond all others, and what is solved for x then beyond single precision.
  const auto count = static_cast<Eigen::Index>(factors_);
  const auto factors = a.diagonal().head(count).array();
  const double largest_factor = factors.maxCoeff();
  Eigen::VectorXd unit = a.diagonal();
  unit.head(count).setConstant(largest_factor);
  unit = (unit.array() > 0).select(unit, largest);
  Eigen::VectorXd held = Eigen::VectorXd::Zero(n);
  held.head(count) =
      (factors <= NormalEquations::kNegligible * largest_factor).select(unit.head(count), 0.0);
  Eigen::MatrixXd raised = a;
  raised.diagonal() += held;
  Factorisation llt(raised);
  if (held.maxCoeff() == 0 && positive_definite(raised, llt)) {
    solution = llt.solve(b).cast<float>();
  } else {
    double extra = 0;
    while (!positive_definite(raised, llt)) {
      const double next = extra == 0 ? kFirstRidge : kRidgeGrowth * extra;
      // Ends when even a ridge that dwarfs all else is of no use, because entries are not finite.
      if (!(next < 1e6)) throw_ratings_too_large();
      raised.diagonal() += (next - extra) * unit;
      extra = next;
      llt.compute(raised);
    }
    Eigen::VectorXd solved = solution.cast<double>();
    for (int step = 0; step < kProximalSteps; ++step) {
      solved += llt.solve(b - a.selfadjointView<Eigen::Lower>() * solved);
    }
    solution = solved.cast<float>();
  }
  const Eigen::VectorXd rounded = solution.cast<double>();
  return rounded.dot(2 * b - a.selfadjointView<Eigen::Lower>() * rounded);
}

std::size_t CholeskySolver::memory(std::size_t unknowns) {
  return (matrix_floats(unknowns) + 2 * blocks_of(unknowns) * kBlock) * sizeof(float);
}

}  // namespace als
