// Bounds on the cosines of many rows. Included by avx2.cpp, avx512.cpp and baseline.cpp.

template <std::size_t kCodes>
struct CodePairs {
  IntVector pairs[kCodes / 2];

  ALS_INLINE explicit CodePairs(const std::int16_t (&codes)[kCodes]) {
    for (std::size_t k = 0; k < kCodes / 2; ++k) pairs[k] = splat_pair(codes + 2 * k);
  }

  // Adds the products with the rows of a block.
  ALS_INLINE void multiply(const CosineCodes<kCodes>& block,
                           IntVector (&sums)[kBlockVectors]) const {
    ALS_UNROLL for (std::size_t k = 0; k < kCodes / 2; ++k) {
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        sums[v] += pair_products(load_codes(block.pairs[k][kLanes * v]), pairs[k]);
      }
    }
  }
};

// No row of a block has a larger product than the largest codes where the query is above zero, and
// the smallest where it is below.
void bound_cosine_blocks(const CosineRows& rows, const CosineQuery& query, std::int32_t* bounds,
                         std::int32_t* best) {
  const CodePairs above(query.above_zero);
  const CodePairs below(query.below_zero);
  IntVector most[kBlockVectors];
  IntVector where[kBlockVectors] = {};
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) most[v] = INT32_MIN - IntVector{};
  for (std::size_t g = 0; g < rows.block_count; g += kBlock, bounds += kBlock) {
    IntVector sums[kBlockVectors] = {};
    above.multiply(rows.largest[g / kBlock], sums);
    below.multiply(rows.smallest[g / kBlock], sums);
    const IntVector number = static_cast<std::int32_t>(g) - IntVector{};
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      __builtin_memcpy(bounds + kLanes * v, &sums[v], sizeof sums[v]);
      const auto better = sums[v] > most[v];
      most[v] = better ? sums[v] : most[v];
      where[v] = better ? number : where[v];
    }
  }
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    __builtin_memcpy(best + kLanes * v, &where[v], sizeof where[v]);
  }
}

template <class T>
ALS_INLINE void prefetch_all(const T& value) {
  for (std::size_t at = 0; at < sizeof value; at += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(&value) + at, 0, 3);
  }
}

// A bit for each row of a block whose cosine may be `least` or more.
ALS_INLINE std::uint32_t evaluate_suffixes(const CosineRows& rows, std::size_t block,
                                           const CosineQuery& query,
                                           const CodePairs<kCosinePrefix + 1>& components,
                                           const CodePairs<kCosineSuffix + 1>& suffix,
                                           float least) {
  const CosineSuffixes& suffixes = rows.suffixes[block];
  IntVector first[kBlockVectors] = {};
  IntVector others[kBlockVectors] = {};
  components.multiply(rows.prefixes[block], first);
  suffix.multiply(suffixes.codes, others);
  const float needed = least - query.slack - query.suffix_norm * suffixes.error;
  std::uint32_t left = 0;
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    const Vector product =
        fused(__builtin_convertvector(others[v], Vector),
              splat<Vector>(query.suffix_scale * suffixes.scale),
              __builtin_convertvector(first[v], Vector) * splat<Vector>(query.prefix_scale));
    left |= not_below(product, splat<Vector>(needed)) << kLanes * v;
  }
  return left;
}

// Evaluates blocks by their own bounds, then their rows by their prefixes, 16 at once, and then the
// rows of those blocks that are left by their suffixes, some blocks at a time: so suffixes have
// come from memory when they are looked at.
void find_cosines(const CosineRows& rows, const CosineQuery& query, const std::int32_t* bounds,
                  std::size_t end, float least, FoundRows* found) {
  constexpr std::size_t kAhead = 8;
  constexpr std::size_t kBatch = 8;
  const CodePairs prefix(query.prefix);
  const CodePairs components(query.components);
  const CodePairs suffix(query.suffix);
  const std::int32_t needed = least_product(query, least);
  const IntVector just_too_small = (needed - 1) - IntVector{};

  std::size_t b = found->next_block;
  found->count = 0;
  while (found->count == 0 && b < end) {
    std::size_t open[kBatch];
    std::size_t count = 0;
    for (; b < end && count < kBatch; ++b) {
      if (b + kAhead < end && bounds[b + kAhead] >= needed) prefetch_all(rows.prefixes[b + kAhead]);
      if (bounds[b] < needed) continue;
      IntVector sums[kBlockVectors] = {};
      prefix.multiply(rows.prefixes[b], sums);
      std::uint32_t left = 0;
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        left |=
            not_below(__builtin_convertvector(sums[v] - just_too_small, Vector), splat<Vector>(1));
      }
      if (left == 0) continue;
      open[count++] = b;
      prefetch_all(rows.suffixes[b]);
    }
    for (std::size_t n = 0; n < count; ++n) {
      if (found->count + kBlock > kFoundRows) {
        b = open[n];
        break;
      }
      std::uint32_t left = evaluate_suffixes(rows, open[n], query, components, suffix, least);
      for (; left != 0; left &= left - 1) {
        found->positions[found->count++] = static_cast<std::uint32_t>(open[n] * kBlock) +
                                           static_cast<unsigned>(__builtin_ctz(left));
      }
    }
  }
  found->next_block = b;
}
