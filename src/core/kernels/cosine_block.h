// Directions of rows prepared for the search of the best cosines with a query, sixteen to a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/search_block.h"

namespace als {

/// Components of a rotated unit vector: the first ones, by which blocks are bounded, are held in 16
/// bits each; those after them in three digits of 2 bits.
inline constexpr std::size_t kCosineAxes = 4;
inline constexpr std::size_t kCosineDigits = 64;

/// The codes of 16 rows side by side, in pairs.
template <std::size_t kCodes>
struct CosineCodes {
  std::int16_t pairs[kCodes / 2][kBlock][2];

  ALS_INLINE std::int16_t& at(std::size_t row, std::size_t code) {
    return pairs[code / 2][row][code % 2];
  }
};

/// What the rows of 16 blocks are between: of each block the largest code of each axis, that of the
/// norm of all components beyond, and a zero; and the smallest of each axis.
struct CosineRanges {
  CosineCodes<kCosineAxes + 2> largest;
  CosineCodes<kCosineAxes> smallest;
};

/// A digit of each component of 16 rows, four components to a byte, the first in its lowest bits:
/// bits 2p and 2p + 1 of byte [j][row][i] are of component 16 j + 4 p + i.
struct CosineDigits {
  std::uint8_t codes[kCosineDigits / 16][kBlock][4];
  std::uint8_t errors[kBlock];  ///< norm of what rows are off by, with all components beyond
};

/// What is asked of the rows of a block that its range has not ruled out. A digit d stands for
/// scale * half_step * (2d - 3), a later one for a quarter of what the one before does: the scale
/// is the row's, the half step the component's.
struct CosineBlock {
  CosineCodes<kCosineAxes> axes;
  CosineDigits digits;
  std::uint8_t scales[kBlock];
};

struct CosineRows {
  const CosineRanges* ranges;
  const CosineBlock* blocks;
  const CosineDigits* digits[2];  ///< second and third
  std::size_t block_count;
};

/// A query's direction, prepared likewise. cosine_search.cpp has the bounds that follow.
struct CosineQuery {
  std::int16_t axes[kCosineAxes];
  std::int16_t above_zero[kCosineAxes + 2];  ///< the axes that are, the norm beyond, a zero
  std::int16_t below_zero[kCosineAxes];
  std::int8_t digits[kCosineDigits / 16][4][4];  ///< weights: by word, place in a byte, byte
  float axis_scale;    ///< what a 1 stands for among the products of axes,
  float digit_scale;   ///< and among those of digits, where the scale of a row is 1
  float digit_origin;  ///< what is added to the latter
  float error_scale;   ///< what an error of 1 counts
  float slack;         ///< a bound on all other errors
};

/// Blocks whose bounds are below this one have cosines below `least`.
ALS_INLINE std::int32_t least_product(const CosineQuery& query, float least) {
  constexpr double kLimit = 1 << 30;  // no product is as large
  const double product = (static_cast<double>(least) - query.slack) / query.axis_scale - 1;
  return static_cast<std::int32_t>(product < -kLimit ? -kLimit
                                                     : (product > kLimit ? kLimit : product));
}

}  // namespace als
