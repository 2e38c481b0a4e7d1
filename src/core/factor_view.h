// Factors that somebody else holds.
#pragma once

#include <cstddef>

namespace als {

/// rows x cols floats, row-major; rows are padded with zeros to a multiple of 16 floats.
struct FactorView {
  const float* data;
  std::size_t rows;
  std::size_t cols;
  std::size_t stride;  ///< floats from one row to the next
  const float* row(std::size_t r) const { return data + r * stride; }
};

}  // namespace als
