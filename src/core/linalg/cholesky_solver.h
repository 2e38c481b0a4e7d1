// Solves the normal equations of one row.
#pragma once

#include <cstddef>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Solves (A + ridge * I) x = b, which minimises x^T (A + ridge * I) x - 2 b^T x + c.
///
/// In single precision where A + ridge * I is safely positive definite. Otherwise in double
/// precision, and if it is singular as far as its entries, single-precision sums, can tell, with a
/// larger ridge, which picks a short solution among the many.
class CholeskySolver {
 public:
  struct Solution {
    /// By how much x lowers the quadratic from its value c at zero. Exact up to rounding also if
    /// the ridge was enlarged.
    double reduction;
    /// False if the single-precision factorisation was not good enough.
    bool direct;
  };

  explicit CholeskySolver(std::size_t unknowns);

  /// Whether A + ridge * I is far from singular.
  bool well_conditioned(const NormalEquations& equations, double ridge);

  /// x gets `unknowns` floats, all finite; else throws std::range_error.
  Solution solve(const NormalEquations& equations, double ridge, float* x);

  static std::size_t memory(std::size_t unknowns);

 private:
  bool factorize(const NormalEquations& equations, double ridge, float tolerance);
  double solve_in_double(const NormalEquations& equations, double ridge, float* x);

  std::size_t unknowns_;
  const Kernels& kernels_;
  AlignedVector<float> factor_;
  AlignedVector<float> inverse_diagonal_;
  AlignedVector<float> x_;
};

}  // namespace als
