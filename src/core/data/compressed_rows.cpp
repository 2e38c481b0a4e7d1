// Cuts a sparse matrix into pieces of about equal work.
#include "core/data/compressed_rows.h"

namespace als {

std::vector<std::size_t> split_rows(const CompressedRows& matrix, std::size_t per_row,
                                    std::size_t limit) {
  std::vector<std::size_t> firsts{0};
  std::size_t size = 0;
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    const std::size_t row_size = matrix.row_size(row) + per_row;
    if (size > 0 && size + row_size > limit) {
      firsts.push_back(row);
      size = 0;
    }
    size += row_size;
  }
  if (matrix.rows() > 0) firsts.push_back(matrix.rows());
  return firsts;
}

}  // namespace als
