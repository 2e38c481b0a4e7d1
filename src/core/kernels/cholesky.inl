// Cholesky factorisation and substitution. Included by avx2.cpp, avx512.cpp and baseline.cpp.
//
// Left-looking, by groups of as many columns as a tile has. A group of columns of a block row is
//
//   A[rows][group] - sum over columns k before the group of L[rows][k] * L[group][k]^T,
//
// the product of two panels again, as the block rows of L are laid out like panels.

using FactorTile = Tile<Vector, kTileColumns, kBlockVectors>;

// The rows of the tile that lie below the group: X L[group][group]^T = tile.
ALS_INLINE void solve_tile(const float* diagonal, const float* inverse, FactorTile& tile) {
  ALS_UNROLL for (int c = 0; c < kTileColumns; ++c) {
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) tile.sum[c][v] *= inverse[c];
    ALS_UNROLL for (int d = c + 1; d < kTileColumns; ++d) {
      const Vector l = splat<Vector>(diagonal[static_cast<int>(kBlock) * c + d]);
      ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
        tile.sum[d][v] = fused(-l, tile.sum[c][v], tile.sum[d][v]);
      }
    }
  }
}

// The block row that holds the group's own diagonal. `diagonal` points at the entry (0, 0) of the
// group within `to`, where the columns are written as they become final, because each needs single
// entries of those before it. Lanes above the diagonal are never read again.
//
// Column c waits for its pivot d, and the next column for it. So the columns are scaled by 1 /
// sqrt(d) in the end only; in between, u_c u_c^T / d takes the place of l_c l_c^T.
ALS_INLINE bool factor_tile(FactorTile& tile, const float* original, const float* ridges,
                            float tolerance, std::size_t columns, float* to, const float* diagonal,
                            float* inverse) {
  constexpr int kStep = static_cast<int>(kBlock);
  float pivots[kTileColumns];
  for (int c = 0; c < kTileColumns; ++c) pivots[c] = 1.0F;
  bool positive = true;
  ALS_UNROLL for (int c = 0; c < kTileColumns; ++c) {
    if (static_cast<std::size_t>(c) >= columns) break;
    float* column = to + kStep * c;
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) store(column + kLanes * v, tile.sum[c][v]);
    pivots[c] = diagonal[kStep * c + c] + ridges[c];
    // Also false for a pivot that is not a number.
    positive = positive && pivots[c] > 0.0F &&
               pivots[c] > tolerance * (original[kStep * c + c] + ridges[c]);
    const Vector reciprocal = splat<Vector>(-1.0F / pivots[c]);
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const Vector scaled = tile.sum[c][v] * reciprocal;
      ALS_UNROLL for (int d = c + 1; d < kTileColumns; ++d) {
        tile.sum[d][v] = fused(splat<Vector>(diagonal[kStep * c + d]), scaled, tile.sum[d][v]);
      }
    }
  }
  for (std::size_t c = 0; c < kTileColumns; ++c) {
    inverse[c] = c < columns ? 1.0F / __builtin_sqrtf(pivots[c]) : 0.0F;
    // Zero if the pivot is infinite.
    positive = positive && (c >= columns || inverse[c] > 0.0F);
  }
  ALS_UNROLL for (int c = 0; c < kTileColumns; ++c) {
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      store(to + kStep * c + kLanes * v, tile.sum[c][v] * splat<Vector>(inverse[c]));
    }
  }
  return positive;
}

bool cholesky(const float* a, std::size_t n, Ridge ridge, float tolerance, float* factor,
              float* inverse_diagonal) {
  const std::size_t blocks = blocks_of(n);
  for (std::size_t c = n; c < blocks * kBlock; ++c) inverse_diagonal[c] = 0.0F;
  for (std::size_t first = 0; first < n; first += kTileColumns) {
    const std::size_t j = first / kBlock;
    const std::size_t lane = first % kBlock;
    const std::size_t columns = n - first < kTileColumns ? n - first : kTileColumns;
    const float* group = factor + block_row_offset(j) + lane;
    const float* diagonal = group + first * kBlock;
    float ridges[kTileColumns];
    for (float& of_column : ridges) of_column = ridge.others;
    if (columns == n - first) ridges[columns - 1] = ridge.last;
    for (std::size_t i = j; i < blocks; ++i) {
      const float* from = a + block_row_offset(i) + first * kBlock;
      float* row = factor + block_row_offset(i);
      FactorTile tile;
      tile.read(from);
      tile.subtract_product(row, group, first);
      if (i == j) {
        if (!factor_tile(tile, from + lane, ridges, tolerance, columns, row + first * kBlock,
                         diagonal, inverse_diagonal + first)) {
          return false;
        }
      } else {
        solve_tile(diagonal, inverse_diagonal + first, tile);
        tile.write(row + first * kBlock);
      }
    }
  }
  return true;
}

// L y = x: block row by block row, the columns already known first.
ALS_INLINE void substitute_forward(const float* factor, const float* inverse, std::size_t n,
                                   float* x) {
  const std::size_t blocks = blocks_of(n);
  for (std::size_t i = 0; i < blocks; ++i) {
    const float* row = factor + block_row_offset(i);
    float* y = x + i * kBlock;
    // Four sums, as one would wait for the latency of each addition.
    Vector sum[4][kBlockVectors] = {};
    for (std::size_t k = 0; k < i * kBlock; k += 4) {
      ALS_UNROLL for (int q = 0; q < 4; ++q) {
        ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
          sum[q][v] = fused(splat<Vector>(x[k + q]),
                            load<Vector>(row + (k + q) * kBlock + kLanes * v), sum[q][v]);
        }
      }
    }
    ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
      const Vector known = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
      store(y + kLanes * v, load<Vector>(y + kLanes * v) - known);
    }
    const float* diagonal = row + i * kBlock * kBlock;
    const std::size_t columns = n - i * kBlock < kBlock ? n - i * kBlock : kBlock;
    for (std::size_t c = 0; c < columns; ++c) {
      y[c] *= inverse[i * kBlock + c];
      for (std::size_t r = c + 1; r < kBlock; ++r) y[r] -= diagonal[c * kBlock + r] * y[c];
    }
  }
}

// L^T z = x: from the last block row up.
ALS_INLINE void substitute_backward(const float* factor, const float* inverse, std::size_t n,
                                    float* x) {
  const std::size_t blocks = blocks_of(n);
  for (std::size_t i = blocks; i-- > 0;) {
    float* z = x + i * kBlock;
    const std::size_t columns = n - i * kBlock < kBlock ? n - i * kBlock : kBlock;
    for (std::size_t c = 0; c < columns; ++c) {
      Vector sum[kBlockVectors] = {};
      for (std::size_t below = i + 1; below < blocks; ++below) {
        const float* column = factor + block_row_offset(below) + (i * kBlock + c) * kBlock;
        ALS_UNROLL for (int v = 0; v < kBlockVectors; ++v) {
          sum[v] = fused(load<Vector>(column + kLanes * v),
                         load<Vector>(x + below * kBlock + kLanes * v), sum[v]);
        }
      }
      Vector all = sum[0];
      ALS_UNROLL for (int v = 1; v < kBlockVectors; ++v) all += sum[v];
      z[c] -= sum_of_lanes(all);
    }
    const float* diagonal = factor + block_row_offset(i) + i * kBlock * kBlock;
    for (std::size_t r = columns; r-- > 0;) {
      z[r] *= inverse[i * kBlock + r];
      for (std::size_t c = 0; c < r; ++c) z[c] -= diagonal[c * kBlock + r] * z[r];
    }
  }
}

void cholesky_solve(const float* factor, const float* inverse_diagonal, std::size_t n, float* x) {
  substitute_forward(factor, inverse_diagonal, n, x);
  substitute_backward(factor, inverse_diagonal, n, x);
}
