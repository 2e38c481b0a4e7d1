// Bounds on the cosines of many rows. Included by avx2.cpp, avx512.cpp and baseline.cpp.

template <std::size_t kCodes>
struct CodePairs {
  IntVector pairs[kCodes / 2];

  ALS_INLINE explicit CodePairs(const std::int16_t (&codes)[kCodes]) {
    for (std::size_t k = 0; k < kCodes / 2; ++k) pairs[k] = splat_pair(codes + 2 * k);
  }

  // Adds the products with kLanes rows of a block.
  ALS_INLINE IntVector add(const CosineCodes<kCodes>& block, int v, IntVector sum) const {
    ALS_UNROLL for (std::size_t k = 0; k < kCodes / 2; ++k) {
      sum = add_pair_products(sum, load<IntVector>(block.pairs[k][kLanes * v]), pairs[k]);
    }
    return sum;
  }
};

// No row of a block has a larger product than the largest codes where the query is above zero, and
// the smallest where it is below.
void bound_cosine_blocks(const CosineRows& rows, const CosineQuery& query, std::size_t begin,
                         std::size_t end, std::int32_t* bounds, std::int32_t* best) {
  const CodePairs above(query.above_zero);
  const CodePairs below(query.below_zero);
  IntVector most[kBlockVectors];
  IntVector where[kBlockVectors] = {};
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) most[v] = INT32_MIN - IntVector{};
  for (std::size_t g = begin; g < end; g += kBlock) {
    const CosineRanges& ranges = rows.ranges[g / kBlock];
    const IntVector number = static_cast<std::int32_t>(g) - IntVector{};
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const IntVector bound =
          below.add(ranges.smallest, v, above.add(ranges.largest, v, IntVector{}));
      __builtin_memcpy(bounds + g + kLanes * v, &bound, sizeof bound);
      const auto better = bound > most[v];
      most[v] = better ? bound : most[v];
      where[v] = better ? number : where[v];
    }
  }
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    __builtin_memcpy(best + kLanes * v, &where[v], sizeof where[v]);
  }
}

// To the second cache, which takes more requests at a time than the first.
template <class T>
ALS_INLINE void prefetch_all(const T& value) {
  for (std::size_t at = 0; at < sizeof value; at += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(&value) + at, 0, 2);
  }
}

// The weights of digits, by word and place in a byte.
struct DigitWeights {
  IntVector of[kCosineDigits / 16][4];

  ALS_INLINE explicit DigitWeights(const CosineQuery& query) {
    ALS_UNROLL for (std::size_t j = 0; j < kCosineDigits / 16; ++j) {
      ALS_UNROLL for (std::size_t place = 0; place < 4; ++place) {
        std::int32_t four;
        __builtin_memcpy(&four, query.digits[j][place], sizeof four);
        of[j][place] = four - IntVector{};
      }
    }
  }

  // The products with kLanes rows of a block. Those with codes in the first or third place of a
  // byte are summed up by themselves, and those in the others four times as large: 0 to 12 times
  // 127, of which each half of a lane has 16 in its 16 bits.
  ALS_INLINE Vector products(const CosineDigits& digits, int v) const {
    const IntVector low = 0x03030303 - IntVector{};
    const IntVector high = 0x0c0c0c0c - IntVector{};
    IntVector ones{};
    IntVector fours{};
    ALS_UNROLL for (std::size_t j = 0; j < kCosineDigits / 16; ++j) {
      const IntVector word = load<IntVector>(digits.codes[j][kLanes * v]);
      const IntVector shifted = word >> 4;
      ones = add_byte_products(ones, word & low, of[j][0]);
      fours = add_byte_products(fours, word & high, of[j][1]);
      ones = add_byte_products(ones, shifted & low, of[j][2]);
      fours = add_byte_products(fours, shifted & high, of[j][3]);
    }
    const IntVector sum = sum_of_byte_products(ones) + (sum_of_byte_products(fours) >> 2);
    return __builtin_convertvector(sum, Vector);
  }
};

// Adds what the digits of a block's rows stand for to their products. A bit for each row whose
// cosine may be `needed` or more.
ALS_INLINE std::uint32_t evaluate_digits(const CosineDigits& digits, const CosineBlock& block,
                                         const CosineQuery& query, const DigitWeights& weights,
                                         float unit, Vector needed, float* products) {
  std::uint32_t left = 0;
  ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
    const Vector sums = fused(weights.products(digits, v), splat<Vector>(unit * query.digit_scale),
                              splat<Vector>(unit * query.digit_origin));
    const Vector product =
        fused(numbers_of(block.scales + kLanes * v), sums, load<Vector>(products + kLanes * v));
    store(products + kLanes * v, product);
    const Vector bound =
        fused(numbers_of(digits.errors + kLanes * v), splat<Vector>(query.error_scale), product);
    left |= not_below(bound, needed) << kLanes * v;
  }
  return left;
}

// Evaluates the rows of blocks by the first digits of their components, and those of the blocks
// that are left by the next ones, some blocks at a time: so these have come from memory when they
// are looked at.
void find_cosines(const CosineRows& rows, const CosineQuery& query, const std::uint32_t* blocks,
                  std::size_t count, float least, FoundRows* found) {
  constexpr std::size_t kAhead = 32;
  constexpr std::size_t kBatch = 32;
  const CodePairs axes(query.axes);
  const DigitWeights weights(query);
  const Vector needed = splat<Vector>(least - query.slack);

  std::size_t n = found->next_block;
  found->count = 0;
  while (found->count == 0 && n < count) {
    std::size_t open[kBatch];
    float products[kBatch][kBlock];
    std::size_t open_count = 0;
    for (const std::size_t end = n + kBatch < count ? n + kBatch : count; n < end; ++n) {
      if (n + kAhead < count) prefetch_all(rows.blocks[blocks[n + kAhead]]);
      const CosineBlock& block = rows.blocks[blocks[n]];
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        store(products[open_count] + kLanes * v,
              __builtin_convertvector(axes.add(block.axes, v, IntVector{}), Vector) *
                  splat<Vector>(query.axis_scale));
      }
      if (evaluate_digits(block.digits, block, query, weights, 1, needed, products[open_count]) ==
          0)
        continue;
      prefetch_all(rows.digits[0][blocks[n]]);
      open[open_count++] = n;
    }
    std::size_t left_count = 0;
    for (std::size_t m = 0; m < open_count; ++m) {
      const std::size_t b = blocks[open[m]];
      if (evaluate_digits(rows.digits[0][b], rows.blocks[b], query, weights, 1.0F / 4, needed,
                          products[m]) == 0)
        continue;
      prefetch_all(rows.digits[1][b]);
      if (m != left_count) __builtin_memcpy(products[left_count], products[m], sizeof products[m]);
      open[left_count++] = open[m];
    }
    for (std::size_t m = 0; m < left_count; ++m) {
      if (found->count + kBlock > kFoundRows) {
        n = open[m];
        break;
      }
      const std::size_t b = blocks[open[m]];
      std::uint32_t left = evaluate_digits(rows.digits[1][b], rows.blocks[b], query, weights,
                                           1.0F / 16, needed, products[m]);
      for (; left != 0; left &= left - 1) {
        found->positions[found->count++] =
            static_cast<std::uint32_t>(b * kBlock) + static_cast<unsigned>(__builtin_ctz(left));
      }
    }
  }
  found->next_block = n;
}
