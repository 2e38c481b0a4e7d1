// Coordinate descent that keeps the gradient up to date, and straight steps among what is positive.
#include "core/linalg/nonnegative_solver.h"

#include <algorithm>
#include <cmath>

#include "core/base/limits.h"

namespace als {
namespace {

// A sweep over the coordinates that lowers the quadratic by less than this part of what it has been
// lowered by is the last one, if the positive unknowns were at their minimum before it.
constexpr double kStandstill = 1e-11;

constexpr int kMaxSweeps = 1000;

// So many sweeps find out which unknowns are zero before the others go straight to their minimum.
constexpr int kSweepsBetween = 5;

}  // namespace

NonnegativeSolver::NonnegativeSolver(std::size_t unknowns)
    : unknowns_(unknowns),
      stride_(blocks_of(unknowns) * kBlock),
      matrix_(unknowns * stride_, 0.0F),
      gradient_(stride_, 0.0F),
      positive_(unknowns),
      positive_solver_(unknowns),
      step_(unknowns, 0.0F) {}

/// Unpacks A + R, and moves what is negative to zero.
void NonnegativeSolver::start(const NormalEquations& equations, Ridge ridge, float* x) {
  for (std::size_t r = 0; r < unknowns_; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      matrix_[r * stride_ + c] = matrix_[c * stride_ + r] = equations.matrix()[matrix_index(r, c)];
    }
    matrix_[r * stride_ + r] += r + 1 < unknowns_ ? ridge.others : ridge.last;
  }
  largest_ = 0;
  for (std::size_t k = 0; k < nonnegative_; ++k) {
    largest_ = std::max(largest_, matrix_[k * stride_ + k]);
  }
  for (std::size_t k = 0; k < stride_; ++k) gradient_[k] = -equations.rhs()[k];
  for (std::size_t k = 0; k < unknowns_; ++k) {
    const float value = k < nonnegative_ ? std::max(x[k], 0.0F) : x[k];
    x[k] = 0;
    if (value != 0) move(k, value, x);
  }
}

void NonnegativeSolver::move(std::size_t k, float step, float* x) {
  x[k] += step;
  const float* row = matrix_.data() + k * stride_;
  for (std::size_t c = 0; c < stride_; ++c) gradient_[c] += step * row[c];
}

/// Whether nothing but rounding errors depends on this unknown; a bias, which is free, has a unit
/// of its own.
bool NonnegativeSolver::negligible(std::size_t k) const {
  const float least = k < nonnegative_ ? NormalEquations::kNegligible * largest_ : 0.0F;
  return !(matrix_[k * stride_ + k] > least);
}

/// By how much x lowers the quadratic from its value at zero: 2 b^T x - x^T (A + R) x.
double NonnegativeSolver::reduction(const NormalEquations& equations, const float* x) const {
  double sum = 0;
  for (std::size_t k = 0; k < unknowns_; ++k) {
    sum += static_cast<double>(x[k]) * (static_cast<double>(equations.rhs()[k]) - gradient_[k]);
  }
  return sum;
}

/// Moves each unknown once. Returns by how much that lowers the quadratic.
double NonnegativeSolver::sweep(float* x) {
  double lowered = 0;
  for (std::size_t k = 0; k < unknowns_; ++k) {
    if (negligible(k)) continue;
    const float curvature = matrix_[k * stride_ + k];
    float target = x[k] - gradient_[k] / curvature;
    if (k < nonnegative_) target = std::max(target, 0.0F);
    const float step = target - x[k];
    if (step == 0) continue;
    lowered -= static_cast<double>(step) * (2.0 * gradient_[k] + step * curvature);
    move(k, step, x);
    x[k] = target;
  }
  return lowered;
}

/// Moves the positive and free unknowns to the minimum among them, (A + R)_PP step = -gradient_P,
/// or as far towards it as all remain non-negative; returns false then.
bool NonnegativeSolver::solve_positive(const NormalEquations& equations, Ridge ridge, float* x) {
  positive_ = equations;
  float* a = positive_.matrix();
  for (std::size_t k = 0; k < unknowns_; ++k) {
    step_[k] = 0;
    const bool moves = !negligible(k) && (k >= nonnegative_ || x[k] > 0);
    positive_.rhs()[k] = moves ? -gradient_[k] : 0.0F;
    if (moves) continue;
    // One that stays has an equation of its own, whose solution is zero.
    for (std::size_t c = 0; c < k; ++c) a[matrix_index(k, c)] = 0;
    a[matrix_index(k, k)] = largest_;
    for (std::size_t r = k + 1; r < unknowns_; ++r) a[matrix_index(r, k)] = 0;
  }
  positive_solver_.solve(positive_, ridge, step_.data());

  float part = 1;
  std::size_t first = unknowns_;  // to become zero
  for (std::size_t k = 0; k < nonnegative_; ++k) {
    if (x[k] + step_[k] < 0 && x[k] < -part * step_[k]) {
      part = x[k] / -step_[k];
      first = k;
    }
  }
  for (std::size_t k = 0; k < unknowns_; ++k) {
    float step = part * step_[k];
    if (k < nonnegative_) step = k == first ? -x[k] : std::max(step, -x[k]);
    if (step != 0) move(k, step, x);
  }
  return first == unknowns_;
}

CholeskySolver::Solution NonnegativeSolver::solve(const NormalEquations& equations, Ridge ridge,
                                                  std::size_t nonnegative, float* x) {
  nonnegative_ = nonnegative;
  start(equations, ridge, x);
  bool converged = false;
  bool solved = false;  // the positive ones, just now
  double total = reduction(equations, x);
  for (int done = 1; done <= kMaxSweeps && !converged; ++done) {
    const double lowered = sweep(x);
    total += lowered;
    const bool still = lowered <= kStandstill * std::fabs(total);
    converged = still && solved;
    solved = !converged && (still || done % kSweepsBetween == 0);
    // Each step that ends too early leaves one unknown less to move.
    while (solved && !solve_positive(equations, ridge, x)) {
    }
  }

  total = reduction(equations, x);
  const bool finite =
      std::all_of(x, x + unknowns_, [](float value) { return std::isfinite(value); });
  if (!finite || !std::isfinite(total)) throw_ratings_too_large();
  return {total, converged};
}

std::size_t NonnegativeSolver::memory(std::size_t unknowns) {
  return (unknowns + 1) * blocks_of(unknowns) * kBlock * sizeof(float) +
         (matrix_floats(unknowns) + 2 * blocks_of(unknowns) * kBlock) * sizeof(float) +
         CholeskySolver::memory(unknowns);
}

}  // namespace als
