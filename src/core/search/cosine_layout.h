// What the image of a CosineSearch holds.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/kernels/cosine_block.h"
#include "core/search/search_layout.h"

namespace als {

struct CosineHeader {
  float half_steps[kCosineDigits];  ///< of the components in digits: CosineBlock
  float scale_unit;                 ///< what a 1 stands for among the scales of blocks
};

/// Where the parts of an image begin, in bytes. All of them stand at cache lines.
struct CosineLayout {
  CosineLayout(std::size_t rows, std::size_t factors) : block_count(blocks_of(rows)) {
    const std::size_t groups = blocks_of(block_count);
    header = places.add(sizeof(CosineHeader));
    rotation = places.add(rotation_floats(factors) * sizeof(float));
    ranges = places.add(groups * sizeof(CosineRanges));
    blocks = places.add(block_count * sizeof(CosineBlock));
    for (std::size_t& place : digits) place = places.add(block_count * sizeof(CosineDigits));
    order = places.add(block_count * kBlock * sizeof(std::uint32_t));
  }

  std::size_t block_count;
  ImagePlaces places;
  std::size_t header;
  std::size_t rotation;  ///< as Kernels::transform takes it
  std::size_t ranges;
  std::size_t blocks;
  std::size_t digits[2];  ///< the second and third
  std::size_t order;      ///< by position: index of the row
};

/// What a 1 stands for among errors.
inline constexpr float kErrorUnit = 1.0F / 254;

/// A norm in integers, from above.
inline std::int16_t norm_code(float norm) {
  return static_cast<std::int16_t>(std::ceil(norm * kIntegerNorm * (1 + 4 * kUnit)));
}

/// A vector's direction: v / |v|, of any finite length, given |v|^2. Zero where that is zero or not
/// finite: then no cosine is a number but 0, which such a direction does not rule out.
inline void write_direction(const float* v, std::size_t n, double square, float* direction) {
  const bool has_one = square > 0 && std::isfinite(square);
  const double norm = std::sqrt(square);
  for (std::size_t k = 0; k < n; ++k)
    direction[k] = has_one ? static_cast<float>(v[k] / norm) : 0.0F;
}

}  // namespace als
