// Inner products in double precision. Included by avx2.cpp, avx512.cpp and baseline.cpp.

typedef double DoubleVector __attribute__((vector_size(sizeof(Vector))));
typedef float NarrowVector __attribute__((vector_size(sizeof(Vector) / 2)));

// Eight sums at every level, so that all have the same bits: a product of two floats is exact.
constexpr int kDoubleLanes = kLanes / 2;
constexpr int kDoubleVectors = 8 / kDoubleLanes;

ALS_INLINE DoubleVector load_doubles(const float* from) {
  return __builtin_convertvector(load<NarrowVector>(from), DoubleVector);
}

ALS_INLINE double sum_of_eight(const DoubleVector (&vectors)[kDoubleVectors], const float* a,
                               const float* b, std::size_t rest) {
  double sum[8];
  __builtin_memcpy(sum, vectors, sizeof sum);
  for (std::size_t k = 0; k < rest; ++k) sum[0] += static_cast<double>(a[k]) * b[k];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

double dot_in_double(const float* a, const float* b, std::size_t n) {
  DoubleVector sums[kDoubleVectors] = {};
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    ALS_UNROLL for (int v = 0; v < kDoubleVectors; ++v) {
      const std::size_t at = k + static_cast<std::size_t>(v * kDoubleLanes);
      sums[v] += load_doubles(a + at) * load_doubles(b + at);
    }
  }
  return sum_of_eight(sums, a + k, b + k, n - k);
}

void cosine_products(const float* a, const float* b, std::size_t n, double* ab, double* bb) {
  DoubleVector sums[2][kDoubleVectors] = {};
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    ALS_UNROLL for (int v = 0; v < kDoubleVectors; ++v) {
      const std::size_t at = k + static_cast<std::size_t>(v * kDoubleLanes);
      const DoubleVector y = load_doubles(b + at);
      sums[0][v] += load_doubles(a + at) * y;
      sums[1][v] += y * y;
    }
  }
  *ab = sum_of_eight(sums[0], a + k, b + k, n - k);
  *bb = sum_of_eight(sums[1], b + k, b + k, n - k);
}
