// Products of rows and a square matrix, and what scales them. Included by avx2.cpp, avx512.cpp and
// baseline.cpp.

// kTileColumns rows at a time, a block of 16 columns of the result after the other in registers.
template <int kRows>
ALS_INLINE void transform_rows(float* rows, std::size_t stride, std::size_t n,
                               const float* matrix) {
  float result[kRows * blocks_of(kMaxFactors) * kBlock];
  for (std::size_t block = 0; block < blocks_of(n); ++block) {
    const float* columns = matrix + block * n * kBlock;
    Vector sum[kRows][kBlockVectors] = {};
    for (std::size_t k = 0; k < n; ++k) {
      Vector entries[kBlockVectors];
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        entries[v] = load<Vector>(columns + k * kBlock + kLanes * v);
      }
      ALS_UNROLL for (int q = 0; q < kRows; ++q) {
        const Vector value = splat<Vector>(rows[q * stride + k]);
        ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
          sum[q][v] = fused(value, entries[v], sum[q][v]);
        }
      }
    }
    ALS_UNROLL for (int q = 0; q < kRows; ++q) {
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        store(result + q * stride + block * kBlock + kLanes * v, sum[q][v]);
      }
    }
  }
  for (std::size_t k = 0; k < kRows * stride; ++k) rows[k] = result[k];
}

void transform(float* rows, std::size_t count, std::size_t stride, std::size_t n,
               const float* matrix) {
  std::size_t r = 0;
  for (; r + kTileColumns <= count; r += kTileColumns) {
    transform_rows<kTileColumns>(rows + r * stride, stride, n, matrix);
  }
  for (; r < count; ++r) transform_rows<1>(rows + r * stride, stride, n, matrix);
}

// A column stays in registers from one rotation to the next, which as a rule turns it and the one
// after it.
void rotate_columns(double* columns, const PlaneRotation* rotations, std::size_t count) {
  constexpr std::size_t kRows = 8;
  if (count == 0) return;
  DoubleVector column[kDoubleVectors];
  DoubleVector next[kDoubleVectors];
  std::size_t at = rotations[0].column;
  __builtin_memcpy(column, columns + kRows * at, sizeof column);
  for (std::size_t n = 0; n < count; ++n) {
    const PlaneRotation& rotation = rotations[n];
    if (rotation.column != at) {
      __builtin_memcpy(columns + kRows * at, column, sizeof column);
      at = rotation.column;
      __builtin_memcpy(column, columns + kRows * at, sizeof column);
    }
    __builtin_memcpy(next, columns + kRows * (at + 1), sizeof next);
    const DoubleVector c = rotation.c - DoubleVector{};
    const DoubleVector s = rotation.s - DoubleVector{};
    ALS_UNROLL for (int v = 0; v < kDoubleVectors; ++v) {
      const DoubleVector turned = c * column[v] - s * next[v];
      column[v] = s * column[v] + c * next[v];
      next[v] = turned;
    }
    __builtin_memcpy(columns + kRows * at, next, sizeof next);
    ++at;
  }
  __builtin_memcpy(columns + kRows * at, column, sizeof column);
}

void add_weighted_squares(const float* x, double weight, std::size_t n, double* sums) {
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    ALS_UNROLL for (std::size_t q = 0; q < 8; q += kDoubleLanes) {
      const DoubleVector y = load_doubles(x + k + q);
      DoubleVector sum;
      __builtin_memcpy(&sum, sums + k + q, sizeof sum);
      sum += weight * y * y;
      __builtin_memcpy(sums + k + q, &sum, sizeof sum);
    }
  }
  for (; k < n; ++k) sums[k] += weight * x[k] * x[k];
}

void scale(float* x, const float* scales, std::size_t n) {
  std::size_t k = 0;
  for (; k + kLanes <= n; k += kLanes) store(x + k, load<Vector>(x + k) * load<Vector>(scales + k));
  for (; k < n; ++k) x[k] *= scales[k];
}
