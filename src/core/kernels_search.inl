// Bounds on the scores of many rows. Included by the kernels_<level>.cpp.

// A pair of the query's 16-bit integers in every lane.
ALS_INLINE IntVector splat_pair(const std::int16_t* pair) {
  std::int32_t both;
  __builtin_memcpy(&both, pair, sizeof both);
  return both - IntVector{};
}

ALS_INLINE float tail_product(const SearchTail& tail, const SearchQuery& query) {
  constexpr std::size_t kStep = sizeof(IntVector);
  IntVector sum = {};
  for (std::size_t at = 0; at < sizeof tail; at += kStep) {
    sum += pair_products(load<IntVector>(reinterpret_cast<const char*>(&tail) + at),
                         load<IntVector>(reinterpret_cast<const char*>(query.tail) + at));
  }
  return sum_of_lanes(__builtin_convertvector(sum, Vector));
}

// Judges a block by its own bounds, then its rows by their heads, 16 at once, and then those that
// are left by their tails, one by one:
//
//   x.y  <=  scale * (integer products so far) + |rest of x| |rest of y| + slack
template <bool kCosine>
ALS_INLINE FoundRows find(const SearchRows& rows, const SearchQuery& query, std::size_t begin,
                          float least) {
  IntVector pairs[kHead / 2];
  ALS_UNROLL for (std::size_t k = 0; k < kHead / 2; ++k) pairs[k] = splat_pair(query.head + 2 * k);

  for (std::size_t b = begin; b < rows.block_count; ++b) {
    const BlockBound& bound = rows.bounds[b];
    if (!kCosine) {
      const float most = query.promise_base + bound.promise;
      if (most + query.promise_slope * bound.later_norm < least) break;
      if (most + query.promise_slope * bound.norm < least) continue;
    }
    const SearchBlock& block = rows.blocks[b];
    const float scale = query.scale * bound.scale;
    const float slack = query.slack * bound.norm;
    float heads[kBlock];
    std::uint32_t candidates = 0;
    IntVector sums[kBlockVectors] = {};
    ALS_UNROLL for (std::size_t k = 0; k < kHead / 2; ++k) {
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        sums[v] += pair_products(load<IntVector>(block.heads[k][kLanes * v]), pairs[k]);
      }
    }
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const Vector head = __builtin_convertvector(sums[v], Vector);
      store(heads + kLanes * v, head);
      const Vector rest = fused(load<Vector>(block.rests + kLanes * v),
                                splat<Vector>(query.head_rest), splat<Vector>(slack));
      const Vector product = fused(head, splat<Vector>(scale), rest);
      const std::uint32_t kept =
          kCosine
              ? not_below(product, splat<Vector>(query.norm) *
                                       load<Vector>(block.norms + kLanes * v) *
                                       splat<Vector>(least))
              : not_below(
                    (splat<Vector>(query.base) + load<Vector>(block.biases + kLanes * v)) + product,
                    splat<Vector>(least));
      candidates |= kept << kLanes * v;
    }
    std::uint32_t found = 0;
    for (; candidates != 0; candidates &= candidates - 1) {
      const int row = __builtin_ctz(candidates);
      const SearchTail& tail = rows.tails[b * kBlock + static_cast<std::size_t>(row)];
      const float rest = tail.rest * query.tail_rest + slack;
      const float product = (heads[row] + tail_product(tail, query)) * scale + rest;
      const bool below = kCosine ? product < query.norm * block.norms[row] * least
                                 : (query.base + block.biases[row]) + product < least;
      if (!below) found |= 1U << row;
    }
    if (found != 0) return {b, found};
  }
  return {rows.block_count, 0};
}

FoundRows find_scores(const SearchRows& rows, const SearchQuery& query, std::size_t begin,
                      float least) {
  return find<false>(rows, query, begin, least);
}

FoundRows find_cosines(const SearchRows& rows, const SearchQuery& query, std::size_t begin,
                       float least) {
  return find<true>(rows, query, begin, least);
}
