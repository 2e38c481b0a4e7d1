// Directions of rows prepared for the search of the best cosines with a query, sixteen to a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/search_block.h"

namespace als {

/// Components of a rotated unit vector held as 8-bit integers: the first ones in the prefix, those
/// after it in the suffix. The last code of each is the norm of all components beyond, from above,
/// as if it were one more component: so one product of integers is a bound.
inline constexpr std::size_t kCosinePrefix = 15;
inline constexpr std::size_t kCosineSuffix = 49;

/// The codes of 16 rows side by side, in pairs.
template <std::size_t kCodes>
struct CosineCodes {
  std::int8_t pairs[kCodes / 2][kBlock][2];

  ALS_INLINE std::int8_t& at(std::size_t row, std::size_t code) {
    return pairs[code / 2][row][code % 2];
  }
};
using CosinePrefixes = CosineCodes<kCosinePrefix + 1>;

/// What is asked of a block that its prefixes have not ruled out.
struct CosineSuffixes {
  CosineCodes<kCosineSuffix + 1> codes;
  float scale;  ///< what a 1 stands for among them
  float error;  ///< norm of what they are off by, at most
};

struct CosineRows {
  /// Of each block the largest of each code, and the smallest, as if they were rows.
  const CosinePrefixes* largest;
  const CosinePrefixes* smallest;
  const CosinePrefixes* prefixes;
  const CosineSuffixes* suffixes;
  std::size_t block_count;
};

/// A query's direction, prepared likewise. cosine_search.cpp has the bounds that follow.
struct CosineQuery {
  std::int16_t prefix[kCosinePrefix + 1];
  std::int16_t above_zero[kCosinePrefix + 1];  ///< the prefix where it is, else 0
  std::int16_t below_zero[kCosinePrefix + 1];  ///< likewise
  std::int16_t components[kCosinePrefix + 1];  ///< the prefix without the norm of what lies beyond
  std::int16_t suffix[kCosineSuffix + 1];
  float prefix_scale;  ///< what a 1 stands for among the products of prefixes,
  float suffix_scale;  ///< and among the codes of the suffix
  float suffix_norm;
  float slack;  ///< a bound on all other errors
};

/// The products of prefixes below this one have cosines below `least`.
ALS_INLINE std::int32_t least_product(const CosineQuery& query, float least) {
  constexpr double kLimit = 1 << 30;  // no product is as large
  const double product = (static_cast<double>(least) - query.slack) / query.prefix_scale - 1;
  return static_cast<std::int32_t>(product < -kLimit ? -kLimit
                                                     : (product > kLimit ? kLimit : product));
}

}  // namespace als
