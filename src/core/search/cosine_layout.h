// What the image of a CosineSearch holds.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/kernels/cosine_block.h"
#include "core/search/search_layout.h"

namespace als {

struct CosineHeader {
  float prefix_error;  ///< norm of what the codes of a prefix are off by, at most
};

/// Where the parts of an image begin, in bytes. All of them stand at cache lines.
struct CosineLayout {
  CosineLayout(std::size_t rows, std::size_t factors) : block_count(blocks_of(rows)) {
    const std::size_t groups = blocks_of(block_count);
    header = places.add(sizeof(CosineHeader));
    rotation = places.add(rotation_floats(factors) * sizeof(float));
    largest = places.add(groups * sizeof(CosinePrefixes));
    smallest = places.add(groups * sizeof(CosinePrefixes));
    prefixes = places.add(block_count * sizeof(CosinePrefixes));
    suffixes = places.add(block_count * sizeof(CosineSuffixes));
    order = places.add(block_count * kBlock * sizeof(std::uint32_t));
  }

  std::size_t block_count;
  ImagePlaces places;
  std::size_t header;
  std::size_t rotation;  ///< as Kernels::transform takes it
  std::size_t largest;
  std::size_t smallest;
  std::size_t prefixes;
  std::size_t suffixes;
  std::size_t order;  ///< by position: index of the row
};

/// The largest number in codes, but for rounding up; and what a 1 stands for in those of a prefix.
inline constexpr float kLargestCode = 126;
inline constexpr float kPrefixUnit = 1 / kLargestCode;

/// A vector's direction: v / |v|, of any finite length, given |v|^2. Zero where that is zero or not
/// finite: then no cosine is a number but 0, which such a direction does not rule out.
inline void write_direction(const float* v, std::size_t n, double square, float* direction) {
  const bool has_one = square > 0 && std::isfinite(square);
  const double norm = std::sqrt(square);
  for (std::size_t k = 0; k < n; ++k)
    direction[k] = has_one ? static_cast<float>(v[k] / norm) : 0.0F;
}

}  // namespace als
