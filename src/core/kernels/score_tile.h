// Items in tiles of 64, coded in 16-bit integers, for the products of all of them with many
// queries.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"

namespace als {

inline constexpr std::size_t kTileItems = 64;

/// What holds for each item of a tile. y is an item's vector, y' what its codes stand for.
struct TileBound {
  float scale;           ///< what a 1 stands for among the codes
  float error;           ///< |y - y'| at most
  float norm;            ///< |y| at most
  float best_bias;       ///< at most
  float bias_magnitude;  ///< |bias| at most
};

struct TiledItems {
  /// Of each tile pairs of components, of all its items side by side: [pairs][64][2].
  const std::int16_t* codes;
  const float* biases;  ///< -infinity past the last item
  const TileBound* bounds;
  std::size_t pairs;
};

/// A query x, whose codes stand for x'. For each item of a tile
///
///   |score - (base + bias + x'.y')|  <=  margin(query, tile)
///
/// score_tiles.cpp says why.
struct TileQuery {
  float scale;
  float base;
  float norm;              ///< |x|
  float error_weight;      ///< what a tile's error counts in the margin,
  float norm_weight;       ///< its norm,
  float magnitude_weight;  ///< and its bias_magnitude
  float constant;
};

struct TileQueries {
  const std::int16_t* codes;  ///< [count][pairs][2]
  const TileQuery* queries;
  std::size_t count;
};

/// Two ends of an interval.
struct ScoreRange {
  float low;
  float high;
};

ALS_INLINE float margin(const TileQuery& query, const TileBound& tile) {
  return (query.error_weight * tile.error + query.norm_weight * tile.norm) +
         (query.magnitude_weight * tile.bias_magnitude + query.constant);
}

/// The most that a query can score with an item of a tile, `error` being their margin.
ALS_INLINE float most(const TileQuery& query, const TileBound& tile, float error) {
  return (query.base + tile.best_bias) + (query.norm * tile.norm + error);
}

}  // namespace als
