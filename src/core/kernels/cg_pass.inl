// A pass of conjugate gradients over the vectors of a row. Included by avx2.cpp, avx512.cpp and
// baseline.cpp.
//
// The vectors are read where they are: those of a row stay in the second-level cache from one pass
// to the next, and a copy would cost more than it saves.

// How many vectors ahead the processor is asked for one, so that it comes from memory in time.
constexpr std::size_t kPassAhead = 16;

ALS_INLINE const float* pass_vector(const PassTerms& terms, std::size_t e) {
  return terms.vectors + terms.columns[e] * terms.stride;
}

ALS_INLINE void prefetch_vector(const PassTerms& terms, std::size_t e) {
  const float* vector = pass_vector(terms, e);
  for (std::size_t k = 0; k < terms.stride; k += kBlock) __builtin_prefetch(vector + k, 0, 3);
}

// kRows vectors at a time, since loads are the limit: each load of p and of the result serves them
// all. The second loop finds the vectors in the first-level cache, where the first has left them.
template <int kRows>
ALS_INLINE float pass_rows(const PassTerms& terms, std::size_t e, const float* p, float* dots,
                           float* result) {
  const float* z[kRows];
  ALS_UNROLL for (int q = 0; q < kRows; ++q) z[q] = pass_vector(terms, e + q);

  Vector products[kRows] = {};
  for (std::size_t k = 0; k < terms.stride; k += kLanes) {
    const Vector direction = load<Vector>(p + k);
    ALS_UNROLL for (int q = 0; q < kRows; ++q) {
      products[q] = fused(load<Vector>(z[q] + k), direction, products[q]);
    }
  }
  float sums[kRows];
  sums_of_vectors(products, sums);

  Vector coefficients[kRows];
  float total = 0.0F;
  ALS_UNROLL for (int q = 0; q < kRows; ++q) {
    const float dot = sums[q] + terms.bias;
    const float coefficient = terms.targets[e + q] - terms.weights[e + q] * dot;
    dots[e + q] = dot;
    coefficients[q] = splat<Vector>(coefficient);
    total += coefficient;
  }
  for (std::size_t k = 0; k < terms.stride; k += kLanes) {
    Vector sum = load<Vector>(result + k);
    ALS_UNROLL for (int q = 0; q < kRows; ++q) {
      sum = fused(coefficients[q], load<Vector>(z[q] + k), sum);
    }
    store(result + k, sum);
  }
  return total;
}

float pass(const PassTerms& terms, const float* p, float* dots, float* result) {
  constexpr int kRows = 8;
  const std::size_t known = terms.count + terms.ahead;
  float total = 0.0F;
  std::size_t e = 0;
  for (; e + kRows <= terms.count; e += kRows) {
    const std::size_t last = e + kPassAhead + kRows < known ? e + kPassAhead + kRows : known;
    for (std::size_t next = e + kPassAhead; next < last; ++next) prefetch_vector(terms, next);
    total += pass_rows<kRows>(terms, e, p, dots, result);
  }
  // What is left, and then the beginning of what comes next.
  for (std::size_t next = e + kPassAhead; next < known && next < terms.count + kPassAhead; ++next) {
    prefetch_vector(terms, next);
  }
  for (; e + 2 <= terms.count; e += 2) total += pass_rows<2>(terms, e, p, dots, result);
  if (e < terms.count) total += pass_rows<1>(terms, e, p, dots, result);
  return total;
}
