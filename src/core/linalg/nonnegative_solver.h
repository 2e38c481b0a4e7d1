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
/// where A + R is positive definite, and coordinate descent converges to it.
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
  void unpack(const NormalEquations& equations, Ridge ridge);

  std::size_t unknowns_;
  std::size_t stride_;
  AlignedVector<float> matrix_;    // A + R, all of it, a row after the other
  AlignedVector<float> gradient_;  // (A + R) x - b
};

}  // namespace als
