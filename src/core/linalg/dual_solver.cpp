// The dual of a ridge regression with fewer terms than unknowns.
#include "core/linalg/dual_solver.h"

#include <algorithm>

namespace als {
namespace {

// With this part of the unknowns, the dual's products, one at a time, still take a quarter of the
// time that the equations themselves take.
constexpr std::size_t kMostTermsPart = 4;

// A term whose own entry of the dual's matrix is larger than this is left to another solver: the
// errors of a, some 1e-7 of the largest entry of the matrix, would no longer be small beside it.
constexpr float kLargestEntry = 1000;

std::size_t most_terms(std::size_t unknowns) { return unknowns / kMostTermsPart; }

}  // namespace

DualSolver::DualSolver(std::size_t factors, bool bias)
    : factors_(factors),
      bias_(bias),
      most_terms_(als::most_terms(factors + (bias ? 1 : 0))),
      kernels_(kernels()),
      matrix_(matrix_floats(most_terms_), 0.0F),
      factor_(matrix_floats(most_terms_), 0.0F),
      inverse_diagonal_(blocks_of(most_terms_) * kBlock, 0.0F),
      solution_(blocks_of(most_terms_) * kBlock, 0.0F) {
  rows_.reserve(most_terms_);
  root_weights_.reserve(most_terms_);
  targets_.reserve(most_terms_);
}

/// a, if rounding errors do not matter.
bool DualSolver::solve_dual(Ridge ridge) {
  const std::size_t n = rows_.size();
  const float of_bias = bias_ ? 1.0F / ridge.last : 0.0F;
  // What pads the last block must be zeros, not what a longer row has left there.
  std::fill(matrix_.data() + block_row_offset((n - 1) / kBlock), matrix_.data() + matrix_floats(n),
            0.0F);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      const float product = kernels_.dot(rows_[r], rows_[c], factors_) / ridge.others + of_bias;
      matrix_[matrix_index(r, c)] = root_weights_[r] * root_weights_[c] * product;
    }
    // Also false for what is not a number, as without a ridge.
    if (!(matrix_[matrix_index(r, r)] <= kLargestEntry)) return false;
  }
  // All eigenvalues are 1 or more.
  if (!kernels_.cholesky(matrix_.data(), n, {1, 1}, 0, factor_.data(), inverse_diagonal_.data()))
    return false;
  for (std::size_t e = 0; e < n; ++e) solution_[e] = root_weights_[e] * targets_[e];
  std::fill(solution_.begin() + static_cast<std::ptrdiff_t>(n), solution_.end(), 0.0F);
  kernels_.cholesky_solve(factor_.data(), inverse_diagonal_.data(), n, solution_.data());
  return true;
}

bool DualSolver::solve(Ridge ridge, float* x) {
  const bool solved = solve_dual(ridge);
  if (solved) {
    std::fill_n(x, factors_ + (bias_ ? 1 : 0), 0.0F);
    for (std::size_t e = 0; e < rows_.size(); ++e) {
      const float weighted = root_weights_[e] * solution_[e];
      const float scale = weighted / ridge.others;
      const float* z = rows_[e];
      for (std::size_t k = 0; k < factors_; ++k) x[k] += scale * z[k];
      if (bias_) x[factors_] += weighted / ridge.last;
    }
  }
  rows_.clear();
  root_weights_.clear();
  targets_.clear();
  return solved;
}

std::size_t DualSolver::memory(std::size_t factors, bool bias) {
  const std::size_t n = als::most_terms(factors + (bias ? 1 : 0));
  return (2 * matrix_floats(n) + 2 * blocks_of(n) * kBlock) * sizeof(float) +
         n * (sizeof(const float*) + 2 * sizeof(float));
}

}  // namespace als
