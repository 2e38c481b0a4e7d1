// Coordinate descent that keeps the gradient up to date.
#include "core/linalg/nonnegative_solver.h"

#include <algorithm>
#include <cmath>

#include "core/base/limits.h"

namespace als {
namespace {

// A sweep over the coordinates that lowers the quadratic by less than this part of what it has been
// lowered by is the last one.
constexpr double kStandstill = 1e-11;

constexpr int kMaxSweeps = 1000;

}  // namespace

NonnegativeSolver::NonnegativeSolver(std::size_t unknowns)
    : unknowns_(unknowns),
      stride_(blocks_of(unknowns) * kBlock),
      matrix_(unknowns * stride_, 0.0F),
      gradient_(stride_, 0.0F) {}

void NonnegativeSolver::unpack(const NormalEquations& equations, Ridge ridge) {
  for (std::size_t r = 0; r < unknowns_; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      matrix_[r * stride_ + c] = matrix_[c * stride_ + r] = equations.matrix()[matrix_index(r, c)];
    }
    matrix_[r * stride_ + r] += r + 1 < unknowns_ ? ridge.others : ridge.last;
  }
}

CholeskySolver::Solution NonnegativeSolver::solve(const NormalEquations& equations, Ridge ridge,
                                                  std::size_t nonnegative, float* x) {
  unpack(equations, ridge);
  const auto move = [&](std::size_t k, float step) {
    const float* row = matrix_.data() + k * stride_;
    for (std::size_t c = 0; c < stride_; ++c) gradient_[c] += step * row[c];
  };
  for (std::size_t k = 0; k < stride_; ++k) gradient_[k] = -equations.rhs()[k];
  for (std::size_t k = 0; k < unknowns_; ++k) {
    if (k < nonnegative) x[k] = std::max(x[k], 0.0F);
    if (x[k] != 0) move(k, x[k]);
  }

  // By how much x lowers the quadratic from its value at zero: 2 b^T x - x^T (A + R) x.
  const auto reduction = [&] {
    double sum = 0;
    for (std::size_t k = 0; k < unknowns_; ++k) {
      sum += static_cast<double>(x[k]) * (static_cast<double>(equations.rhs()[k]) - gradient_[k]);
    }
    return sum;
  };
  float largest = 0;
  for (std::size_t k = 0; k < nonnegative; ++k) {
    largest = std::max(largest, matrix_[k * stride_ + k]);
  }
  bool converged = false;
  double total = reduction();
  for (int sweep = 0; sweep < kMaxSweeps && !converged; ++sweep) {
    double lowered = 0;
    for (std::size_t k = 0; k < unknowns_; ++k) {
      const float curvature = matrix_[k * stride_ + k];
      // Nothing but rounding errors depends on this unknown; a bias, which is free, has a unit of
      // its own.
      if (!(curvature > (k < nonnegative ? NormalEquations::kNegligible * largest : 0.0F)))
        continue;
      float target = x[k] - gradient_[k] / curvature;
      if (k < nonnegative) target = std::max(target, 0.0F);
      const float step = target - x[k];
      if (step == 0) continue;
      lowered -= static_cast<double>(step) * (2.0 * gradient_[k] + step * curvature);
      x[k] = target;
      move(k, step);
    }
    total += lowered;
    converged = lowered <= kStandstill * std::fabs(total);
  }

  total = reduction();
  const bool finite =
      std::all_of(x, x + unknowns_, [](float value) { return std::isfinite(value); });
  if (!finite || !std::isfinite(total)) throw_ratings_too_large();
  return {total, converged};
}

std::size_t NonnegativeSolver::memory(std::size_t unknowns) {
  return (unknowns + 1) * blocks_of(unknowns) * kBlock * sizeof(float);
}

}  // namespace als
