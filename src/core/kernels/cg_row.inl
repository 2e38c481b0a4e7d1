// What conjugate gradients do with a row's vectors between two passes. Included by avx2.cpp,
// avx512.cpp and baseline.cpp.
//
// A row of few ratings spends more time here than in its passes.

void move_sum(float* from, float* to, std::size_t n) {
  for (std::size_t k = 0; k < n; k += kLanes) {
    store(to + k, load<Vector>(to + k) + load<Vector>(from + k));
    store(from + k, Vector{});
  }
}

double cg_start(const CgVectors& row) {
  Vector sum{};
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    const Vector residual = load<Vector>(row.residual + k);
    const Vector scaled = load<Vector>(row.preconditioner + k) * residual;
    sum = fused(residual, scaled, sum);
    store(row.direction + k, scaled);
    store(row.product + k, Vector{});
    store(row.partial_sum + k, Vector{});
  }
  return static_cast<double>(sum_of_lanes(sum));
}

double cg_step(const CgVectors& row, double decrease, double* curvature) {
  Vector sum{};
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    sum = fused(load<Vector>(row.direction + k), load<Vector>(row.product + k), sum);
  }
  *curvature = -static_cast<double>(sum_of_lanes(sum));
  if (!(*curvature > 0)) return 0;

  const Vector length = splat<Vector>(static_cast<float>(decrease / *curvature));
  sum = Vector{};
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    const Vector residual =
        fused(length, load<Vector>(row.product + k), load<Vector>(row.residual + k));
    store(row.x + k, fused(length, load<Vector>(row.direction + k), load<Vector>(row.x + k)));
    store(row.residual + k, residual);
    store(row.product + k, Vector{});
    sum = fused(residual, load<Vector>(row.preconditioner + k) * residual, sum);
  }
  const auto next = static_cast<double>(sum_of_lanes(sum));

  const Vector share = splat<Vector>(static_cast<float>(next / decrease));
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    const Vector scaled = load<Vector>(row.preconditioner + k) * load<Vector>(row.residual + k);
    store(row.direction + k, fused(share, load<Vector>(row.direction + k), scaled));
  }
  return next;
}

void cg_last_step(const CgVectors& row, float length) {
  const Vector lengths = splat<Vector>(length);
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    store(row.x + k, fused(lengths, load<Vector>(row.direction + k), load<Vector>(row.x + k)));
  }
}

void over_relax(float* x, const float* start, float share, std::size_t n) {
  const Vector shares = splat<Vector>(share);
  for (std::size_t k = 0; k < n; k += kLanes) {
    const Vector end = load<Vector>(x + k);
    store(x + k, fused(shares, end - load<Vector>(start + k), end));
  }
}

// The entries k to k + kLanes - 1 of the diagonal.
ALS_INLINE Vector shared_diagonal(const CgDiagonal& diagonal, std::size_t k) {
  if (k >= diagonal.factors) return splat<Vector>(diagonal.ridge.last);
  const Vector ridge = splat<Vector>(diagonal.ridge.others);
  return diagonal.eigenvalues == nullptr ? ridge : load<Vector>(diagonal.eigenvalues + k) + ridge;
}

// sums += the entries times x^2, a block of them.
ALS_INLINE void add_squares(const float (&entries)[kBlock], const float* x,
                            DoubleVector (&sums)[kDoubleVectors]) {
  ALS_UNROLL for (std::size_t q = 0; q < kBlock; q += kDoubleLanes) {
    const DoubleVector value = load_doubles(x + q);
    sums[q / kDoubleLanes % kDoubleVectors] += load_doubles(entries + q) * value * value;
  }
}

double subtract_diagonal(const CgDiagonal& diagonal, const CgVectors& row) {
  DoubleVector sums[kDoubleVectors] = {};
  for (std::size_t k = 0; k < row.unknowns; k += kBlock) {
    float entries[kBlock];
    ALS_UNROLL for (std::size_t q = 0; q < kBlock; q += kLanes) {
      const Vector entry = shared_diagonal(diagonal, k + q);
      store(entries + q, entry);
      store(row.residual + k + q,
            fused(-entry, load<Vector>(row.x + k + q), load<Vector>(row.residual + k + q)));
    }
    add_squares(entries, row.x + k, sums);
  }
  return sum_of_eight(sums, row.x, row.x, 0);
}

double diagonal_curvature(const CgDiagonal& diagonal, const CgVectors& row) {
  const Vector extra = splat<Vector>(diagonal.extra);
  DoubleVector sums[kDoubleVectors] = {};
  for (std::size_t k = 0; k < row.unknowns; k += kBlock) {
    float entries[kBlock];
    ALS_UNROLL for (std::size_t q = 0; q < kBlock; q += kLanes) {
      store(entries + q, shared_diagonal(diagonal, k + q) + extra);
    }
    add_squares(entries, row.direction + k, sums);
  }
  return sum_of_eight(sums, row.direction, row.direction, 0);
}

void subtract_diagonal_product(const CgDiagonal& diagonal, const CgVectors& row) {
  const Vector extra = splat<Vector>(diagonal.extra);
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    store(row.product + k, fused(-(shared_diagonal(diagonal, k) + extra),
                                 load<Vector>(row.direction + k), load<Vector>(row.product + k)));
  }
}

void precondition(const CgDiagonal& diagonal, const CgVectors& row) {
  const Vector extra = splat<Vector>(diagonal.extra);
  const Vector weight = splat<Vector>(diagonal.weight);
  const Vector one = splat<Vector>(1.0F);
  for (std::size_t k = 0; k < row.unknowns; k += kLanes) {
    const Vector square = k < diagonal.factors ? load<Vector>(diagonal.mean_squares + k) : one;
    const Vector whole = fused(weight, square, shared_diagonal(diagonal, k)) + extra;
    // Zero where that is not above zero: a comparison that is true has all bits.
    const IntVector positive = (IntVector)(whole > Vector{});
    store(row.preconditioner + k, (Vector)((IntVector)(one / whole) & positive));
  }
}
