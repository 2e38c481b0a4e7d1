// What the image of a TopKSearch holds, and what is known of the errors in it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "core/base/limits.h"
#include "core/kernels/kernels.h"
#include "core/kernels/search_block.h"

namespace als {

struct SearchHeader {
  float norm_weight;    ///< what the norm of a row counts beside its bias
  float largest_norm;   ///< of the rows that are not too large to be trusted
  float largest_terms;  ///< |bias| + norm_weight * norm likewise
};

/// Places in an image, one after the other, at cache lines.
struct ImagePlaces {
  std::size_t size = 0;

  std::size_t add(std::size_t bytes) {
    const std::size_t at = size;
    size += (bytes + 63) / 64 * 64;
    return at;
  }
};

template <class T>
T* part_of(void* image, std::size_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(image) + offset);
}
template <class T>
const T* part_of(const void* image, std::size_t offset) {
  return reinterpret_cast<const T*>(static_cast<const char*>(image) + offset);
}

/// Of a rotation as Kernels::transform takes it.
inline std::size_t rotation_floats(std::size_t factors) {
  if (factors > kMaxFactors) throw std::length_error("too many factors");
  return blocks_of(factors) * factors * kBlock;
}

/// Where the parts of an image begin, in bytes.
struct SearchLayout {
  SearchLayout(std::size_t rows, std::size_t factors) : block_count(blocks_of(rows)) {
    header = places.add(sizeof(SearchHeader));
    gram = places.add(matrix_floats(factors) * sizeof(float));
    rotation = places.add(rotation_floats(factors) * sizeof(float));
    bounds = places.add(block_count * sizeof(BlockBound));
    blocks = places.add(block_count * sizeof(SearchBlock));
    suffixes = places.add(block_count * kBlock * sizeof(SearchSuffix));
    order = places.add(block_count * kBlock * sizeof(std::uint32_t));
  }

  std::size_t block_count;
  ImagePlaces places;
  std::size_t header;
  std::size_t gram;
  std::size_t rotation;  ///< as Kernels::transform takes it
  std::size_t bounds;
  std::size_t blocks;
  std::size_t suffixes;
  std::size_t order;  ///< by position in the order of upper_bound: index of the row
};

/// The largest relative error of a rounded operation.
inline constexpr float kUnit = 1.0F / (1 << 24);

/// Norms between these make bounds that neither overflow nor underflow. What is smaller is taken
/// for as large as the first; what is larger, or not a number, for infinite: it is never ruled out.
inline constexpr float kMinNorm = 1e-12F;
inline constexpr float kMaxNorm = 1e15F;

/// A vector of the largest norm in its block, or of the query's, has at most this norm in integers:
/// so a sum of products of two of them stays below 2^30, and a component fits 16 bits even when
/// rotation has lengthened the vector by its errors.
inline constexpr float kIntegerNorm = 32000.0F;

inline float rounded_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

/// |v| from above, for n components from `begin` on.
inline float norm_above(const float* v, std::size_t begin, std::size_t n) {
  double sum = 0;
  for (std::size_t k = begin; k < n; ++k) sum += static_cast<double>(v[k]) * v[k];
  return rounded_up(std::sqrt(sum));
}

/// The norm of a row or query that its bounds are made of.
inline float trusted_norm(const float* v, std::size_t n) {
  const float norm = norm_above(v, 0, n);
  if (!(norm <= kMaxNorm)) return std::numeric_limits<float>::infinity();
  return norm < kMinNorm ? kMinNorm : norm;
}

/// A bound on the errors of a product as a part of |x| |y|: top_k_search.cpp says which.
inline float slack_of(std::size_t factors) {
  const auto n = static_cast<float>(factors);
  const float sum_error = (n + 2) * kUnit;
  return sum_error * (1 + 2.1F * std::sqrt(n)) + 3 * kUnit * std::sqrt(n) + 7 / kIntegerNorm +
         64 * kUnit;
}

/// Components first to first + count - 1 of a rotated vector, in integers; zero past its end.
/// `inverse_scale`: zero for a vector that has no integers.
inline void round_components(const float* rotated, std::size_t stride, std::size_t first,
                             std::size_t count, float inverse_scale, std::int16_t* integers) {
  for (std::size_t k = 0; k < count; ++k) {
    const bool known = inverse_scale > 0 && first + k < stride;
    integers[k] =
        static_cast<std::int16_t>(known ? std::lrint(rotated[first + k] * inverse_scale) : 0);
  }
}

}  // namespace als
