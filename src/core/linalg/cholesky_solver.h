// Solves the normal equations of one row.
#pragma once

#include <cstddef>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Solves (A + R) x = b, R the diagonal of ridges, which minimises x^T (A + R) x - 2 b^T x + c.
///
/// In single precision where A + R is safely positive definite. Otherwise in double
/// precision, and if it is singular as far as its entries, single-precision sums, can tell, by a
/// few steps that each add a ridge around where x is: of the many solutions they lead to one that
/// is near the start, and from zero to a short one. No step raises the quadratic, as a ridge around
/// zero could.
class CholeskySolver {
 public:
  struct Solution {
    /// By how much x lowers the quadratic from its value c at zero.
    double reduction;
    /// False if the single-precision factorisation was not good enough.
    bool direct;
  };

  /// The first `factors` of the unknowns are in one unit; a bias behind them has its own.
  CholeskySolver(std::size_t unknowns, std::size_t factors);
  explicit CholeskySolver(std::size_t unknowns) : CholeskySolver(unknowns, unknowns) {}

  /// Whether A + R is far from singular.
  bool well_conditioned(const NormalEquations& equations, Ridge ridge);

  /// x, `unknowns` floats, holds where to start and gets the solution, all finite; else throws
  /// std::range_error.
  Solution solve(const NormalEquations& equations, Ridge ridge, float* x);

  static std::size_t memory(std::size_t unknowns);

 private:
  bool has_negligible(const NormalEquations& equations, Ridge ridge) const;
  bool factorize(const NormalEquations& equations, Ridge ridge, float tolerance);
  double solve_in_double(const NormalEquations& equations, Ridge ridge, float* x);

  std::size_t unknowns_;
  std::size_t factors_;
  const Kernels& kernels_;
  AlignedVector<float> factor_;
  AlignedVector<float> inverse_diagonal_;
  AlignedVector<float> x_;
};

}  // namespace als
