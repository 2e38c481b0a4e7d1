// A sparse matrix in compressed rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/uninitialized_vector.h"

namespace als {

/// A sparse matrix in compressed rows (CSR): row r has the entries offsets[r] .. offsets[r+1] - 1,
/// its columns strictly ascending.
struct CompressedRows {
  std::vector<std::uint64_t> offsets;  ///< rows + 1
  UninitializedVector<std::uint32_t> columns;
  UninitializedVector<float> values;
  UninitializedVector<float> weights;  ///< of the values, above 0; empty: all are 1

  std::size_t rows() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::size_t row_size(std::size_t r) const { return offsets[r + 1] - offsets[r]; }
  float weight(std::uint64_t e) const { return weights.empty() ? 1.0F : weights[e]; }

  /// Those from entry `begin` on; null: all are 1.
  const float* weights_from(std::uint64_t begin) const {
    return weights.empty() ? nullptr : weights.data() + begin;
  }
};

/// Some ratings of one row.
struct RowRatings {
  const std::uint32_t* columns;  ///< rows of the side held fixed
  const float* values;
  std::size_t count;
  const float* weights = nullptr;  ///< null: all are 1

  double weight(std::size_t e) const { return weights == nullptr ? 1.0 : weights[e]; }

  /// Those from `begin` on, so many of them.
  RowRatings some(std::size_t begin, std::size_t n) const {
    return {columns + begin, values + begin, n, weights == nullptr ? nullptr : weights + begin};
  }
};

/// The ratings of a row.
inline RowRatings ratings_of(const CompressedRows& rows, std::size_t row) {
  const std::uint64_t begin = rows.offsets[row];
  return {rows.columns.data() + begin, rows.values.data() + begin, rows.row_size(row),
          rows.weights_from(begin)};
}

/// Entries that a thread takes at a time, and what a row costs beside its entries, counted in them.
constexpr std::size_t kEntriesInBlock = std::size_t{1} << 16;
constexpr std::size_t kRowCost = 16;

/// Cuts rows into runs of at most `limit` entries, or of one row where that has more; every row
/// counts as `per_row` entries beside its own. Returns the first row of each run, and rows() at
/// last.
std::vector<std::size_t> split_rows(const CompressedRows& matrix, std::size_t per_row,
                                    std::size_t limit);

}  // namespace als
