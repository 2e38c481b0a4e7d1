// Solves the normal equations of a row with few terms, in as many unknowns as it has terms.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Minimises the sum of w (t - z x)^2 over terms and x^T R x, R the diagonal of ridges, by way of
/// its dual (Saunders, Gammerman and Vovk 1998): with Z and t multiplied by the roots of w,
/// x = R^-1 Z^T a, where (Z R^-1 Z^T + I) a = t. With n terms of k components that takes
/// n^2 k / 2 + n^3 / 6 multiply-adds instead of n k^2 / 2 + k^3 / 6.
class DualSolver {
 public:
  /// Terms of so many factors, and one more component that is always 1 where there is a bias.
  DualSolver(std::size_t factors, bool bias);

  /// Rows of no more terms are solved faster this way.
  std::size_t most_terms() const { return most_terms_; }

  /// Adds a term; `z` must stay as it is up to solve().
  void add(const float* z, float weight, float target) {
    rows_.push_back(z);
    root_weights_.push_back(std::sqrt(weight));
    targets_.push_back(target);
  }

  /// Solves for the terms that have been added, and forgets them. False, and x as it was, if the
  /// ridges are so small that rounding errors could matter.
  bool solve(Ridge ridge, float* x);

  static std::size_t memory(std::size_t factors, bool bias);

 private:
  bool solve_dual(Ridge ridge);

  std::size_t factors_;
  bool bias_;
  std::size_t most_terms_;
  const Kernels& kernels_;
  std::vector<const float*> rows_;
  std::vector<float> root_weights_;
  std::vector<float> targets_;
  AlignedVector<float> matrix_;  // Z R^-1 Z^T
  AlignedVector<float> factor_;
  AlignedVector<float> inverse_diagonal_;
  AlignedVector<float> solution_;  // a
};

}  // namespace als
