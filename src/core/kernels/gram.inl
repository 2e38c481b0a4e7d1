// The weighted Gram matrix of gathered rows. Included by avx2.cpp, avx512.cpp and baseline.cpp.
//
// The rows are first copied, scaled by the root of their weights, into a panel: one after the other
// the blocks of 16 columns, each with its 16 floats of every row side by side. The products of two
// blocks then stream through memory without gaps, where a panel of whole rows would hit the same
// few sets of the first-level cache whenever a row is a multiple of 512 bytes.

// Copies kRows rows from the one numbered e on.
template <int kRows>
ALS_INLINE void pack_rows(const PanelTerms& terms, std::size_t e, float* panel, float* rhs) {
  const std::size_t blocks = blocks_of(terms.factors);
  for (std::size_t b = 0; b < blocks; ++b) {
    float* to = panel + (b * terms.count + e) * kBlock;
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const std::size_t column = b * kBlock + static_cast<std::size_t>(v * kLanes);
      Vector sum = load<Vector>(rhs + column);
      ALS_UNROLL for (int q = 0; q < kRows; ++q) {
        const Vector z = load<Vector>(terms.rows[e + q] + column);
        sum = fused(splat<Vector>(terms.rhs_weights[e + q]), z, sum);
        store<Vector>(to + kBlock * q + kLanes * v, terms.root_weights[e + q] * z);
      }
      store(rhs + column, sum);
    }
  }
}

// The component that is always 1.
ALS_INLINE void pack_bias(const PanelTerms& terms, float* panel, float* rhs) {
  const std::size_t lane = terms.factors % kBlock;
  float* block = panel + terms.factors / kBlock * terms.count * kBlock;
  float sum = 0.0F;
  for (std::size_t e = 0; e < terms.count; ++e) {
    float* to = block + e * kBlock;
    if (lane == 0) {
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) store(to + kLanes * v, Vector{});
    }
    to[lane] = terms.root_weights[e];
    sum += terms.rhs_weights[e];
  }
  rhs[terms.factors] += sum;
}

ALS_INLINE void pack(const PanelTerms& terms, float* panel, float* rhs) {
  // This panel's sum apart, then added as a whole: the rounding errors of a long row grow with the
  // number of its panels instead of its terms.
  float sum[blocks_of(kMaxFactors + 1) * kBlock];
  const std::size_t n = blocks_of(terms.factors + (terms.bias ? 1 : 0)) * kBlock;
  for (std::size_t i = 0; i < n; ++i) sum[i] = 0.0F;
  std::size_t e = 0;
  for (; e + 4 <= terms.count; e += 4) pack_rows<4>(terms, e, panel, sum);
  for (; e < terms.count; ++e) pack_rows<1>(terms, e, panel, sum);
  if (terms.bias) pack_bias(terms, panel, sum);
  for (std::size_t i = 0; i < n; ++i) rhs[i] += sum[i];
}

// A whole block below the diagonal.
ALS_INLINE void add_block(const float* wide, const float* narrow, std::size_t count, float* block) {
  for (std::size_t c = 0; c < kBlock; c += kTileColumns) {
    Tile<Vector, kTileColumns, kBlockVectors> tile;
    tile.clear();
    tile.add_product(wide, narrow + c, count);
    tile.add_to(block + c * kBlock);
  }
}

// A block on the diagonal: its last eight columns need its last eight rows only.
ALS_INLINE void add_diagonal_block(const float* panel, std::size_t count, float* block) {
  constexpr std::size_t kHalf = kBlock / 2;
  constexpr int kColumns = kTileColumns < 8 ? kTileColumns : 8;
  for (std::size_t c = 0; c < kHalf; c += kColumns) {
    Tile<Vector, kColumns, kBlockVectors> tile;
    tile.clear();
    tile.add_product(panel, panel + c, count);
    tile.add_to(block + c * kBlock);
  }
  for (std::size_t c = kHalf; c < kBlock; c += kColumns) {
    Tile<HalfVector, kColumns, static_cast<int>(kHalf * sizeof(float) / sizeof(HalfVector))> tile;
    tile.clear();
    tile.add_product(panel + kHalf, panel + c, count);
    tile.add_to(block + c * kBlock + kHalf);
  }
}

constexpr int kTailColumns = kTileColumns < 4 ? kTileColumns : 4;

// A block in the last block row where that has few rows only, `rows` of them. Rows and columns
// change places, so that the time goes with the number of rows: 65 factors cost little more
// than 64.
ALS_INLINE void add_tail_block(const float* suffix, const float* wide, std::size_t count,
                               std::size_t rows, float* block) {
  for (std::size_t first = 0; first < rows; first += kTailColumns) {
    Tile<Vector, kTailColumns, kBlockVectors> tile;
    tile.clear();
    tile.add_product(wide, suffix + first, count);
    float turned[kTailColumns * kBlock];
    tile.write(turned);
    for (std::size_t r = first; r < rows && r < first + kTailColumns; ++r) {
      for (std::size_t c = 0; c < kBlock; ++c) {
        block[c * kBlock + r] += turned[(r - first) * kBlock + c];
      }
    }
  }
}

// Asks for the upcoming rows bit by bit, between the blocks of the product, so that they arrive
// while the processor computes. All at once, there would be more of them than it can wait for.
class Prefetcher {
 public:
  ALS_INLINE explicit Prefetcher(const PanelTerms& terms)
      : next_(terms.upcoming),
        end_(terms.upcoming + terms.upcoming_count),
        factors_(terms.factors) {
    const std::size_t blocks = blocks_of(terms.factors + (terms.bias ? 1 : 0));
    share_ = terms.upcoming_count / (blocks * (blocks + 1) / 2) + 1;
  }

  ALS_INLINE void fetch() {
    for (std::size_t k = 0; k < share_ && next_ != end_; ++k, ++next_) {
      for (std::size_t line = 0; line < factors_; line += kBlock) {
        __builtin_prefetch(*next_ + line, 0, 2);
      }
    }
  }

 private:
  const float* const* next_;
  const float* const* end_;
  std::size_t factors_;
  std::size_t share_;
};

void accumulate(const PanelTerms& terms, float* panel, float* matrix, float* rhs) {
  pack(terms, panel, rhs);
  Prefetcher upcoming(terms);
  const std::size_t count = terms.count;
  const std::size_t n = terms.factors + (terms.bias ? 1 : 0);
  const std::size_t full = n / kBlock;
  for (std::size_t i = 0; i < full; ++i) {
    const float* rows = panel + i * count * kBlock;
    float* block_row = matrix + block_row_offset(i);
    for (std::size_t j = 0; j < i; ++j) {
      upcoming.fetch();
      add_block(rows, panel + j * count * kBlock, count, block_row + j * kBlock * kBlock);
    }
    upcoming.fetch();
    add_diagonal_block(rows, count, block_row + i * kBlock * kBlock);
  }
  const std::size_t rest = n % kBlock;
  if (rest == 0) return;
  const float* rows = panel + full * count * kBlock;
  float* block_row = matrix + block_row_offset(full);
  for (std::size_t j = 0; j <= full; ++j) {
    upcoming.fetch();
    add_tail_block(rows, panel + j * count * kBlock, count, rest, block_row + j * kBlock * kBlock);
  }
}
