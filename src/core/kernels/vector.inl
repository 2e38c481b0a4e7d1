// Vectors of floats and tiles of them. Included by avx2.cpp, avx512.cpp and baseline.cpp, which
// define Vector (of kLanes floats), IntVector (of as many 32-bit integers), HalfVector (of half a
// block, or the same as Vector), fused(), pair_products(), not_below() and kTileColumns; not a
// header of its own.

#if defined(__clang__)
#define ALS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ALS_UNROLL _Pragma("GCC unroll 16")
#endif

constexpr int kBlockVectors = static_cast<int>(kBlock) / kLanes;

template <class V>
ALS_INLINE V load(const void* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
ALS_INLINE void store(float* to, const V& v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <class V>
ALS_INLINE V splat(float value) {
  return value - V{};
}

// A pair of 16-bit integers in every lane.
ALS_INLINE IntVector splat_pair(const std::int16_t* pair) {
  std::int32_t both;
  __builtin_memcpy(&both, pair, sizeof both);
  return both - IntVector{};
}

// The sum of the lanes, by halves: the same tree of sums at every width. Those of a vector of 16
// are taken by halved(): by way of memory gcc would keep there what the vector was summed up from,
// and load and store it with each product.
template <class V>
ALS_INLINE float sum_of_lanes(const V& v) {
  if constexpr (sizeof(V) > kBlock / 2 * sizeof(float)) {
    return sum_of_lanes(halved(v));
  } else {
    typedef float Four __attribute__((vector_size(16)));
    constexpr std::size_t kCount = sizeof(V) / sizeof(float);
    float lane[kCount];
    store(lane, v);
    // As vectors: compilers make many single steps of a loop.
    if constexpr (kCount > 4) store(lane, load<Four>(lane) + load<Four>(lane + 4));
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
  }
}

// A tile of a product of two panels, held in registers: `kColumns` columns by kVectors vectors of
// rows. `wide` and `narrow` point into panels of 16 floats a step:
//
//   tile[c][r] += sum over k of narrow[16 k + c] * wide[16 k + r]
//
// With kColumns * kVectors at least the latency of a fused multiply-add times how many start in a
// cycle (8 with two units and a latency of 4), the loop runs at the processor's peak.
template <class V, int kColumns, int kVectors>
struct Tile {
  static constexpr int kWidth = static_cast<int>(sizeof(V) / sizeof(float));
  V sum[kColumns][kVectors];

  ALS_INLINE void clear() {
    ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) sum[c][v] = V{};
    }
  }

  ALS_INLINE void read(const float* from) {
    ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) {
        sum[c][v] = load<V>(from + kBlock * c + kWidth * v);
      }
    }
  }

  ALS_INLINE void write(float* to) const {
    ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) store(to + kBlock * c + kWidth * v, sum[c][v]);
    }
  }

  ALS_INLINE void add_to(float* to) const {
    ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) {
        float* at = to + kBlock * c + kWidth * v;
        store(at, load<V>(at) + sum[c][v]);
      }
    }
  }

  ALS_INLINE void add_product(const float* wide, const float* narrow, std::size_t steps) {
    for (std::size_t k = 0; k < steps; ++k, wide += kBlock, narrow += kBlock) {
      V rows[kVectors];
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) rows[v] = load<V>(wide + kWidth * v);
      ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
        const V column = splat<V>(narrow[c]);
        ALS_UNROLL for (int v = 0; v < kVectors; ++v) {
          sum[c][v] = fused(column, rows[v], sum[c][v]);
        }
      }
    }
  }

  ALS_INLINE void subtract_product(const float* wide, const float* narrow, std::size_t steps) {
    for (std::size_t k = 0; k < steps; ++k, wide += kBlock, narrow += kBlock) {
      V rows[kVectors];
      ALS_UNROLL for (int v = 0; v < kVectors; ++v) rows[v] = load<V>(wide + kWidth * v);
      ALS_UNROLL for (int c = 0; c < kColumns; ++c) {
        const V column = splat<V>(narrow[c]);
        ALS_UNROLL for (int v = 0; v < kVectors; ++v) {
          sum[c][v] = fused(-column, rows[v], sum[c][v]);
        }
      }
    }
  }
};
