// Dense factors, one row an entity.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/aligned_vector.h"
#include "core/base/assert.h"
#include "core/base/limits.h"

namespace als {

/// A view of a FactorMatrix, or of the same layout held elsewhere.
struct FactorView {
  const float* data;
  std::size_t rows;
  std::size_t cols;
  std::size_t stride;  ///< floats from one row to the next
  const float* row(std::size_t r) const {
    ALS_ASSERT(r <= rows);
    return data + r * stride;
  }
};

/// rows x cols floats, row-major; rows are padded with zeros to a multiple of 16 floats.
class FactorMatrix {
 public:
  FactorMatrix() = default;
  FactorMatrix(std::size_t rows, std::size_t cols)
      : rows_(rows), cols_(cols), stride_((cols + 15) / 16 * 16), data_(rows * stride_, 0.0F) {}
  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t stride() const { return stride_; }
  /// Rows without values yet: each is to be cleared before use. Clearing gigabytes at once would
  /// keep one thread busy, and deaf to interrupts, for seconds.
  static FactorMatrix uninitialized(std::size_t rows, std::size_t cols) {
    FactorMatrix matrix(0, cols);
    matrix.rows_ = rows;
    matrix.data_.resize(rows * matrix.stride_);
    return matrix;
  }
  void clear_row(std::size_t r) { std::fill_n(row(r), stride_, 0.0F); }

  /// Makes room for so many rows in all.
  void reserve_rows(std::size_t rows) { data_.reserve(rows * stride_); }

  /// Adds a row; the cost of growing is spread over many calls.
  void append_row(const float* values) {
    data_.resize(data_.size() + stride_, 0.0F);
    std::copy(values, values + cols_, row(rows_++));
  }
  /// Adds the rows of a matrix with as many columns.
  void append_rows(const FactorMatrix& other) {
    data_.insert(data_.end(), other.data_.begin(), other.data_.end());
    rows_ += other.rows_;
  }
  float* row(std::size_t r) {
    ALS_ASSERT(r <= rows_);
    return data_.data() + r * stride_;
  }
  const float* row(std::size_t r) const {
    ALS_ASSERT(r <= rows_);
    return data_.data() + r * stride_;
  }
  FactorView view() const { return {data_.data(), rows_, cols_, stride_}; }

 private:
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t stride_ = 0;
  AlignedVector<float> data_;
};

/// One side of a model: a factor vector for each user (or item) and, with biases, a bias each.
struct Factors {
  FactorMatrix matrix;
  std::vector<float> bias;  ///< empty without biases

  /// 0 without biases.
  float bias_of(std::size_t row) const { return bias.empty() ? 0.0F : bias[row]; }
};

inline void clear_row(Factors& factors, std::size_t row) {
  factors.matrix.clear_row(row);
  if (!factors.bias.empty()) factors.bias[row] = 0.0F;
}

/// Adds as many rows of the same shape.
inline void add_up(Factors& sums, const Factors& others) {
  for (std::size_t row = 0; row < sums.matrix.rows(); ++row) {
    float* sum = sums.matrix.row(row);
    const float* other = others.matrix.row(row);
    for (std::size_t k = 0; k < sums.matrix.stride(); ++k) sum[k] += other[k];
  }
  for (std::size_t row = 0; row < sums.bias.size(); ++row) sums.bias[row] += others.bias[row];
}

/// Whether scores of these rows are finite, see core/base/limits.h.
inline bool are_within_limits(const Factors& factors) {
  for (std::size_t row = 0; row < factors.matrix.rows(); ++row)
    if (!all_within(factors.matrix.row(row), factors.matrix.cols(), kMaxFactor)) return false;
  return all_within(factors.bias.data(), factors.bias.size(), kMaxBias);
}

inline void check_within_limits(const Factors& factors) {
  if (!are_within_limits(factors)) throw_ratings_too_large();
}

/// A row's factors and, with biases, its bias behind them.
inline void read_row(const Factors& factors, std::size_t row, std::vector<float>& x) {
  std::copy_n(factors.matrix.row(row), factors.matrix.cols(), x.begin());
  if (!factors.bias.empty()) x[factors.matrix.cols()] = factors.bias[row];
}

inline void write_row(const std::vector<float>& x, std::size_t row, Factors& factors) {
  std::copy_n(x.begin(), factors.matrix.cols(), factors.matrix.row(row));
  if (!factors.bias.empty()) factors.bias[row] = x[factors.matrix.cols()];
}

/// Factors, wherever they are kept.
struct BiasedView {
  BiasedView(const FactorView& vectors, const float* bias) : vectors(vectors), bias(bias) {}
  BiasedView(const Factors& factors)  // NOLINT: converting, as views do
      : BiasedView(factors.matrix.view(), factors.bias.empty() ? nullptr : factors.bias.data()) {}

  const float* row(std::size_t r) const { return vectors.row(r); }

  FactorView vectors;
  const float* bias;  ///< null without biases
};

}  // namespace als
