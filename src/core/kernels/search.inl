// Bounds on the scores of many rows. Included by avx2.cpp, avx512.cpp and baseline.cpp.

ALS_INLINE float suffix_product(const SearchSuffix& suffix, const SearchQuery& query) {
  constexpr std::size_t kStep = sizeof(IntVector);
  IntVector sum = {};
  for (std::size_t at = 0; at < sizeof suffix; at += kStep) {
    sum += pair_products(load<IntVector>(reinterpret_cast<const char*>(&suffix) + at),
                         load<IntVector>(reinterpret_cast<const char*>(query.suffix) + at));
  }
  return sum_of_lanes(__builtin_convertvector(sum, Vector));
}

ALS_INLINE void splat_prefix(const SearchQuery& query, IntVector (&pairs)[kPrefix / 2]) {
  ALS_UNROLL for (std::size_t k = 0; k < kPrefix / 2; ++k) pairs[k] =
      splat_pair(query.prefix + 2 * k);
}

// Products with the prefixes of a block's rows.
ALS_INLINE void multiply_prefixes(const SearchBlock& block, const IntVector (&pairs)[kPrefix / 2],
                                  IntVector (&sums)[kBlockVectors]) {
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) sums[v] = IntVector{};
  ALS_UNROLL for (std::size_t k = 0; k < kPrefix / 2; ++k) {
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      sums[v] += pair_products(load<IntVector>(block.prefixes[k][kLanes * v]), pairs[k]);
    }
  }
}

// The same of all rows of a block: a bit for each that is not below.
ALS_INLINE std::uint32_t evaluate_prefixes(const SearchBlock& block, const BlockBound& bound,
                                           const SearchQuery& query,
                                           const IntVector (&pairs)[kPrefix / 2], float least,
                                           float* prefixes) {
  IntVector sums[kBlockVectors];
  multiply_prefixes(block, pairs, sums);
  std::uint32_t left = 0;
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    const Vector prefix = __builtin_convertvector(sums[v], Vector);
    store(prefixes + kLanes * v, prefix);
    const Vector rest =
        fused(load<Vector>(block.rests + kLanes * v), splat<Vector>(query.prefix_rest),
              splat<Vector>(query.slack * bound.norm));
    const Vector product = fused(prefix, splat<Vector>(query.scale * bound.scale), rest);
    const Vector base = splat<Vector>(query.base) + load<Vector>(block.biases + kLanes * v);
    left |= not_below(base + product, splat<Vector>(least)) << kLanes * v;
  }
  return left;
}

// Evaluates a block by its own bounds, then its rows by their prefixes, 16 at once, and then those
// that are left by their suffixes, some at a time: so a suffix has come from memory when it is
// looked at.
//
//   x.y  <=  scale * (integer products so far) + |rest of x| |rest of y| + slack
void find_scores(const SearchRows& rows, const SearchQuery& query, float least, FoundRows* found) {
  IntVector pairs[kPrefix / 2];
  splat_prefix(query, pairs);

  std::size_t b = found->next_block;
  found->count = 0;
  while (found->count == 0 && b < rows.block_count) {
    std::uint32_t positions[kFoundRows];
    float prefixes[kFoundRows];
    std::size_t count = 0;
    for (; b < rows.block_count && count + kBlock <= kFoundRows; ++b) {
      const BlockBound& bound = rows.bounds[b];
      const float most = query.bound_base + bound.upper_bound;
      if (most + query.bound_slope * bound.later_norm < least) {
        b = rows.block_count;
        break;
      }
      if (most + query.bound_slope * bound.norm < least) continue;
      float block_prefixes[kBlock];
      std::uint32_t left =
          evaluate_prefixes(rows.blocks[b], bound, query, pairs, least, block_prefixes);
      for (; left != 0; left &= left - 1) {
        const int lane = __builtin_ctz(left);
        positions[count] = static_cast<std::uint32_t>(b * kBlock) + static_cast<unsigned>(lane);
        prefixes[count] = block_prefixes[lane];
        __builtin_prefetch(rows.suffixes + positions[count], 0, 3);
        ++count;
      }
    }
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t block = positions[n] / kBlock;
      const BlockBound& bound = rows.bounds[block];
      const SearchSuffix& suffix = rows.suffixes[positions[n]];
      const float rest = suffix.rest * query.suffix_rest + query.slack * bound.norm;
      const float product =
          (prefixes[n] + suffix_product(suffix, query)) * (query.scale * bound.scale) + rest;
      // Without a branch, which would be hard to foresee.
      found->positions[found->count] = positions[n];
      const float base = query.base + rows.blocks[block].biases[positions[n] % kBlock];
      found->count += base + product < least ? 0 : 1;
    }
  }
  found->next_block = b;
}

void best_prefix_scores(const SearchRows& rows, const SearchQuery& query, std::size_t begin,
                        std::size_t end, float* scores, std::int32_t* blocks) {
  IntVector pairs[kPrefix / 2];
  splat_prefix(query, pairs);
  Vector best[kBlockVectors];
  IntVector where[kBlockVectors] = {};
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) best[v] = splat<Vector>(-__builtin_inff());
  for (std::size_t b = begin; b < end; ++b) {
    IntVector sums[kBlockVectors];
    const SearchBlock& block = rows.blocks[b];
    multiply_prefixes(block, pairs, sums);
    const Vector scale = splat<Vector>(query.scale * rows.bounds[b].scale);
    const IntVector number = static_cast<std::int32_t>(b) - IntVector{};
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const Vector prefix = __builtin_convertvector(sums[v], Vector);
      const Vector score = fused(prefix, scale, load<Vector>(block.biases + kLanes * v));
      const auto better = score > best[v];
      best[v] = better ? score : best[v];
      where[v] = better ? number : where[v];
    }
  }
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    store(scores + kLanes * v, best[v]);
    __builtin_memcpy(blocks + kLanes * v, &where[v], sizeof where[v]);
  }
}
