// The Gram matrix in double precision, each entry a sum over all rows in their order.
#include "core/linalg/double_gram.h"

#include <algorithm>

#include "core/linalg/products.h"

namespace als {
namespace {

// Columns of the matrix that a block of work sums up, as many sums as fit the processor's
// registers; and its multiply-adds: some milliseconds.
constexpr std::size_t kColumns = 16;
constexpr std::size_t kGramMultiplyAdds = std::size_t{1} << 22;

}  // namespace

void DoubleGram::sum(const FactorView& rows, ThreadTeam& team) {
  n_ = rows.cols;
  entries_.assign(n_ * n_, 0.0);
  const std::size_t chunk = kGramMultiplyAdds / (n_ * kColumns) + 1;
  for (std::size_t first = 0; first < rows.rows; first += chunk) {
    const std::size_t last = std::min(first + chunk, rows.rows);
    team.for_each_block(n_, kColumns, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t r = begin; r < n_; ++r) {
        double sums[kColumns] = {};
        for (std::size_t row = first; row < last; ++row) {
          const float* y = rows.row(row);
          const double factor = y[r];
          // Rows are padded.
          for (std::size_t c = 0; c < kColumns; ++c) sums[c] += factor * y[begin + c];
        }
        for (std::size_t c = begin; c < std::min(end, r + 1); ++c) {
          entries_[r * n_ + c] += sums[c - begin];
        }
      }
    });
  }
}

void DoubleGram::add(const DoubleGram& other) {
  for (std::size_t k = 0; k < entries_.size(); ++k) entries_[k] += other.entries_[k];
}

double DoubleGram::quadratic(const float* x) const {
  double sum = 0;
  for (std::size_t r = 0; r < n_; ++r) {
    sum += x[r] * (2 * dot_in_double(x, entries_.data() + r * n_, r) + at(r, r) * x[r]);
  }
  return sum;
}

}  // namespace als
