// Products of many queries with tiles of items. Included by avx2.cpp, avx512.cpp, avx512_vnni.cpp
// and baseline.cpp, which define kTileVectors, kTileQueries and add_pair_products().

// The products of some queries with kTileVectors * kLanes items of a tile, from `items` on.
template <int kQueries>
ALS_INLINE void multiply_codes(const std::int16_t* items, const std::int16_t* queries,
                               std::size_t pairs, IntVector (&sums)[kQueries][kTileVectors]) {
  ALS_UNROLL for (int q = 0; q < kQueries; ++q) {
    ALS_UNROLL for (int v = 0; v < kTileVectors; ++v) sums[q][v] = IntVector{};
  }
  for (std::size_t p = 0; p < pairs; ++p) {
    IntVector rows[kTileVectors];
    ALS_UNROLL for (int v = 0; v < kTileVectors; ++v) {
      rows[v] = load<IntVector>(items + 2 * (p * kTileItems + v * kLanes));
    }
    ALS_UNROLL for (int q = 0; q < kQueries; ++q) {
      const IntVector pair = splat_pair(queries + 2 * (q * pairs + p));
      ALS_UNROLL for (int v = 0; v < kTileVectors; ++v) {
        sums[q][v] = add_pair_products(sums[q][v], rows[v], pair);
      }
    }
  }
}

// base + bias + x'.y'
ALS_INLINE Vector approximate_score(const IntVector& sum, float scale, float base,
                                    const float* biases) {
  return fused(__builtin_convertvector(sum, Vector), splat<Vector>(scale),
               splat<Vector>(base) + load<Vector>(biases));
}

// A bit for each item of a tile whose score may reach least[q], for kQueries queries.
template <int kQueries>
ALS_INLINE void find_in_tile(const TiledItems& items, std::size_t tile, const TileQueries& queries,
                             std::size_t first, const float* least, std::uint64_t* found,
                             std::size_t stride) {
  const TileBound& bound = items.bounds[tile];
  float lowest[kQueries];
  bool is_possible = false;
  ALS_UNROLL for (int q = 0; q < kQueries; ++q) {
    const TileQuery& query = queries.queries[first + q];
    const float error = margin(query, bound);
    lowest[q] = least[first + q] - error;
    is_possible |= !(most(query, bound, error) < least[first + q]);
    found[q * stride] = 0;
  }
  if (!is_possible) return;
  const std::int16_t* codes = items.codes + 2 * kTileItems * items.pairs * tile;
  for (std::size_t at = 0; at < kTileItems; at += kTileVectors * kLanes) {
    IntVector sums[kQueries][kTileVectors];
    multiply_codes<kQueries>(codes + 2 * at, queries.codes + 2 * items.pairs * first, items.pairs,
                             sums);
    ALS_UNROLL for (int q = 0; q < kQueries; ++q) {
      const TileQuery& query = queries.queries[first + q];
      ALS_UNROLL for (int v = 0; v < kTileVectors; ++v) {
        const std::size_t lane = at + static_cast<std::size_t>(v * kLanes);
        const Vector score = approximate_score(sums[q][v], query.scale * bound.scale, query.base,
                                               items.biases + kTileItems * tile + lane);
        found[q * stride] |= std::uint64_t{not_below(score, splat<Vector>(lowest[q]))} << lane;
      }
    }
  }
}

void find_in_tiles(const TiledItems& items, std::size_t begin, std::size_t end,
                   const TileQueries& queries, const float* least, std::uint64_t* found) {
  const std::size_t stride = end - begin;
  for (std::size_t tile = begin; tile < end; ++tile) {
    std::size_t q = 0;
    std::uint64_t* of_tile = found + (tile - begin);
    for (; q + kTileQueries <= queries.count; q += kTileQueries) {
      find_in_tile<kTileQueries>(items, tile, queries, q, least, of_tile + q * stride, stride);
    }
    for (; q < queries.count; ++q) {
      find_in_tile<1>(items, tile, queries, q, least, of_tile + q * stride, stride);
    }
  }
}

template <int kQueries>
ALS_INLINE void score_tile(const TiledItems& items, std::size_t tile, const TileQueries& queries,
                           std::size_t first, float* scores, std::size_t stride) {
  const std::int16_t* codes = items.codes + 2 * kTileItems * items.pairs * tile;
  for (std::size_t at = 0; at < kTileItems; at += kTileVectors * kLanes) {
    IntVector sums[kQueries][kTileVectors];
    multiply_codes<kQueries>(codes + 2 * at, queries.codes + 2 * items.pairs * first, items.pairs,
                             sums);
    ALS_UNROLL for (int q = 0; q < kQueries; ++q) {
      const TileQuery& query = queries.queries[first + q];
      ALS_UNROLL for (int v = 0; v < kTileVectors; ++v) {
        const std::size_t lane = at + static_cast<std::size_t>(v * kLanes);
        store(scores + q * stride + lane,
              approximate_score(sums[q][v], query.scale * items.bounds[tile].scale, query.base,
                                items.biases + kTileItems * tile + lane));
      }
    }
  }
}

void score_tiles(const TiledItems& items, std::size_t begin, std::size_t end,
                 const TileQueries& queries, float* scores) {
  const std::size_t stride = (end - begin) * kTileItems;
  for (std::size_t tile = begin; tile < end; ++tile) {
    std::size_t q = 0;
    float* of_tile = scores + (tile - begin) * kTileItems;
    for (; q + kTileQueries <= queries.count; q += kTileQueries) {
      score_tile<kTileQueries>(items, tile, queries, q, of_tile + q * stride, stride);
    }
    for (; q < queries.count; ++q) {
      score_tile<1>(items, tile, queries, q, of_tile + q * stride, stride);
    }
  }
}
