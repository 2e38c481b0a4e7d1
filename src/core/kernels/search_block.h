// Rows prepared for the search of the best products with a query, sixteen to a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"

namespace als {

/// Components of a rotated row held as integers: the first ones in the prefix, those after it in
/// the suffix. What lies beyond is known by its norm.
inline constexpr std::size_t kPrefix = 16;
inline constexpr std::size_t kSuffix = 30;

/// What is asked of every row.
struct SearchBlock {
  std::int16_t prefixes[kPrefix / 2][kBlock][2];  ///< pairs of components, of all rows side by side
  float rests[kBlock];                            ///< norms of what lies beyond the prefix
  float biases[kBlock];
};

/// What is asked of a row that its prefix has not ruled out: a cache line.
struct SearchSuffix {
  std::int16_t components[kSuffix];
  float rest;  ///< norm of what lies beyond the suffix
};

/// What is asked of a block before its rows. All bounds from above; infinite where rows are too
/// large to be trusted.
struct BlockBound {
  float scale;        ///< what a 1 stands for among the integers of the block's rows
  float norm;         ///< of its rows
  float later_norm;   ///< of its rows and all after them
  float upper_bound;  ///< bias + norm_weight * norm: of its rows and all after them
};

/// Rows in the order of their upper_bound.
struct SearchRows {
  const BlockBound* bounds;
  const SearchBlock* blocks;
  const SearchSuffix* suffixes;
  std::size_t block_count;
};

/// A query x, prepared likewise. top_k_search.cpp has the bounds that follow.
struct SearchQuery {
  std::int16_t prefix[kPrefix];
  std::int16_t suffix[kSuffix + 2];  ///< zeros where a SearchSuffix has its rest
  float scale;
  float prefix_rest;
  float suffix_rest;
  float slack;        ///< a bound on all errors, times the norm of a row
  float base;         ///< what is added to the bias of a row
  float bound_base;   ///< the same and a bound on the errors of what follows
  float bound_slope;  ///< what |x| exceeds norm_weight by, or zero
};

/// How many rows are evaluated by one value of the least score that counts. More would hide more of
/// the time that memory takes, but use a value that is older.
inline constexpr std::size_t kFoundRows = 32;

/// Rows that a search has not ruled out. None when it has come to the end.
struct FoundRows {
  std::size_t next_block = 0;  ///< where the search goes on
  std::size_t count = 0;
  std::uint32_t positions[kFoundRows];
};

}  // namespace als
