// Solves the normal equations of one row under the condition that no factor is negative.
#pragma once

#include <cstddef>

#include "core/linalg/cholesky_solver.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Minimises x^T (A + R) x - 2 b^T x, R the diagonal of ridges, subject to x_k >= 0 (non-negative
/// least squares), by coordinate descent (Franc, Hlavac and Navara 2005): each x_k in turn goes to
/// where the quadratic is least along it, or to zero if that is negative. The minimum is unique
/// where A + R is positive definite, and coordinate descent converges to it: fast as to which
/// unknowns are zero, but ever so slowly to the others' values where vectors are nearly alike. So
/// every few sweeps those that are not zero go straight to their minimum, or as far towards it as
/// none becomes negative, as in an active set method (Lawson and Hanson 1974, chapter 23).
class NonnegativeSolver {
 public:
  explicit NonnegativeSolver(std::size_t unknowns);

  /// The first `nonnegative` unknowns are kept from below zero, the others are free. x holds where
  /// to start, and gets the solution, all finite; else throws std::range_error. The solution is not
  /// `direct` if it was left before it stood still.
  CholeskySolver::Solution solve(const NormalEquations& equations, Ridge ridge,
                                 std::size_t nonnegative, float* x);

  static std::size_t memory(std::size_t unknowns);

 private:
  void start(const NormalEquations& equations, Ridge ridge, float* x);
  void move(std::size_t k, float step, float* x);
  bool negligible(std::size_t k) const;
  double reduction(const NormalEquations& equations, const float* x) const;
  double sweep(float* x);
  bool solve_positive(const NormalEquations& equations, Ridge ridge, float* x);

  std::size_t unknowns_;
  std::size_t stride_;
  std::size_t nonnegative_ = 0;
  float largest_ = 0;            // the largest entry of the diagonal of those kept from below zero
  AlignedVector<float> matrix_;  // A + R, all of it, a row after the other
  AlignedVector<float> gradient_;  // (A + R) x - b
  NormalEquations positive_;  // of the unknowns that are not zero, for the step to their minimum
  CholeskySolver positive_solver_;
  AlignedVector<float> step_;
};

}  // namespace als
