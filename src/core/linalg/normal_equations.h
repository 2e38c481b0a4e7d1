// The normal equations of one row.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/base/assert.h"
#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// A x = b, with A symmetric: sums over terms (z, g, h) of g z z^T and of h z. Sums of parts of the
/// terms may be added up; the state is one array of floats, whose size is fixed by that of x.
class NormalEquations {
 public:
  explicit NormalEquations(std::size_t unknowns)
      : unknowns_(unknowns), data_(matrix_floats(unknowns) + blocks_of(unknowns) * kBlock, 0.0F) {}

  std::size_t unknowns() const { return unknowns_; }

  /// An unknown whose part of A is smaller than this part of the largest is left about as it is:
  /// only rounding errors depend on it, or it would have to be beyond all others to matter.
  static constexpr float kNegligible = 1e-12F;

  /// The lower triangle of A, laid out as kernels.h says, and then b, padded.
  float* data() { return data_.data(); }
  const float* data() const { return data_.data(); }
  std::size_t size() const { return data_.size(); }

  float* matrix() { return data_.data(); }
  const float* matrix() const { return data_.data(); }
  float* rhs() { return data_.data() + matrix_floats(unknowns_); }
  const float* rhs() const { return data_.data() + matrix_floats(unknowns_); }

  /// Entry (row, column) of A.
  float at(std::size_t row, std::size_t column) const {
    ALS_ASSERT(row < unknowns_ && column < unknowns_);
    return matrix()[row < column ? matrix_index(column, row) : matrix_index(row, column)];
  }

  /// Of the first n entries of A's diagonal.
  float largest_diagonal(std::size_t n) const {
    float largest = 0;
    for (std::size_t k = 0; k < n; ++k) largest = std::max(largest, at(k, k));
    return largest;
  }

  void clear() { data_.assign(data_.size(), 0.0F); }

  /// Both of the same size.
  void add(const NormalEquations& other) {
    ALS_ASSERT(other.unknowns_ == unknowns_);
    for (std::size_t k = 0; k < data_.size(); ++k) data_[k] += other.data_[k];
  }

 private:
  std::size_t unknowns_;
  AlignedVector<float> data_;
};

}  // namespace als
