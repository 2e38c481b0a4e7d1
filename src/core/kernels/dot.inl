// Inner products. Included by avx2.cpp, avx512.cpp and baseline.cpp.

// a.b over whole vectors, the last of which may have been padded with zeros by the caller. Four
// sums, as one would wait for the latency of each addition.
struct DotSum {
  Vector sum[4] = {};

  ALS_INLINE void add(const float* a, const float* b, std::size_t vectors) {
    std::size_t k = 0;
    for (; k + 4 <= vectors; k += 4) {
      ALS_UNROLL for (int q = 0; q < 4; ++q) {
        sum[q] =
            fused(load<Vector>(a + (k + q) * kLanes), load<Vector>(b + (k + q) * kLanes), sum[q]);
      }
    }
    ALS_UNROLL for (int q = 0; q < 3; ++q) {
      if (k + q < vectors) {
        sum[q] =
            fused(load<Vector>(a + (k + q) * kLanes), load<Vector>(b + (k + q) * kLanes), sum[q]);
      }
    }
  }

  // `index`: how many whole vectors went before.
  ALS_INLINE void add_last(const float* a, const float* b, std::size_t index) {
    ALS_UNROLL for (std::size_t q = 0; q < 4; ++q) {
      if (index % 4 == q) sum[q] = fused(load<Vector>(a), load<Vector>(b), sum[q]);
    }
  }

  ALS_INLINE float total() const { return sum_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3])); }
};

float dot(const float* a, const float* b, std::size_t n) {
  const std::size_t whole = n / kLanes;
  DotSum sum;
  sum.add(a, b, whole);
  const std::size_t rest = n % kLanes;
  if (rest > 0) {
    float last_a[kLanes] = {};
    float last_b[kLanes] = {};
    for (std::size_t k = 0; k < rest; ++k) {
      last_a[k] = a[whole * kLanes + k];
      last_b[k] = b[whole * kLanes + k];
    }
    sum.add_last(last_a, last_b, whole);
  }
  return sum.total();
}

void multiply(const float* rows, std::size_t row_count, std::size_t stride, const float* x,
              std::size_t n, float* products) {
  // Padding x as the rows are makes the sums those of dot: the zeros change no bit of them.
  float padded[blocks_of(kMaxFactors + 1) * kBlock];
  const std::size_t vectors = (n + kLanes - 1) / kLanes;
  for (std::size_t k = 0; k < vectors * kLanes; ++k) padded[k] = k < n ? x[k] : 0.0F;
  for (std::size_t r = 0; r < row_count; ++r) {
    DotSum sum;
    sum.add(rows + r * stride, padded, vectors);
    products[r] = sum.total();
  }
}
