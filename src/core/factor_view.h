// Factors that lie somewhere, one row an entity.
#pragma once

#include <cstddef>

namespace als {

/// rows x cols floats, row-major; rows are padded with zeros to `stride` floats, a multiple of 16.
struct FactorView {
  const float* data;
  std::size_t rows;
  std::size_t cols;
  std::size_t stride;

  const float* row(std::size_t r) const { return data + r * stride; }
};

}  // namespace als
