// The Gram matrix of one side's vectors in double precision.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Y^T Y, which takes some ten times as long as in single precision. For where that is too coarse:
/// if Y^T Y is singular or nearly so, a long x may have a small x^T Y^T Y x, the sum of the squares
/// of its products with all vectors, of which rounded entries leave nothing.
class DoubleGram {
 public:
  DoubleGram() = default;
  /// Of entries() of another one, n x n of them.
  DoubleGram(std::size_t n, std::vector<double> entries) : n_(n), entries_(std::move(entries)) {}

  void sum(const FactorView& rows, ThreadTeam& team);
  void add(const DoubleGram& other);
  void clear() { entries_.clear(); }
  bool empty() const { return entries_.empty(); }

  const std::vector<double>& entries() const { return entries_; }
  double at(std::size_t row, std::size_t column) const { return entries_[row * n_ + column]; }

  /// x^T Y^T Y x.
  double quadratic(const float* x) const;

  static std::size_t memory(std::size_t n) { return n * n * sizeof(double); }

 private:
  std::size_t n_ = 0;
  std::vector<double> entries_;  // row by row; none above the diagonal
};

}  // namespace als
