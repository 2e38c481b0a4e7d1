// Passes of conjugate gradients over the vectors of a row. Included by avx2.cpp, avx512.cpp and
// baseline.cpp.
//
// The vectors are read where they are: those of a row stay in the second-level cache from one pass
// to the next, and a copy would cost more than it saves.

// Vectors taken at a time, since loads are the limit: each load of p and of the result serves them
// all.
constexpr int kGroup = static_cast<int>(sizeof(HalfVector) / sizeof(float));

typedef std::int32_t GroupMask __attribute__((vector_size(sizeof(HalfVector))));

// How many vectors ahead the processor is asked for one, so that it comes from memory in time.
constexpr std::size_t kPassAhead = 16;

ALS_INLINE const float* pass_vector(const PassTerms& terms, std::size_t e) {
  return terms.vectors + terms.columns[e] * terms.stride;
}

// Those of them that are to be fetched.
ALS_INLINE void fetch_vectors(const PassTerms& terms, std::size_t begin, std::size_t end) {
  for (std::size_t e = begin; e < end && e < terms.fetched; ++e) {
    const float* vector = pass_vector(terms, e);
    for (std::size_t k = 0; k < terms.stride; k += kBlock) __builtin_prefetch(vector + k, 0, 3);
  }
}

// Some ratings, from number `first` on. Past the last one its vector is repeated, and nothing
// counts.
template <bool kWhole>
struct PassGroup {
  const float* z[kGroup];
  std::size_t first;
  GroupMask there;

  ALS_INLINE PassGroup(const PassTerms& terms, std::size_t e) : first(e) {
    const std::size_t last = terms.count - 1;
    ALS_UNROLL for (int q = 0; q < kGroup; ++q) {
      z[q] = pass_vector(terms, kWhole || e + q < last ? e + q : last);
      if (!kWhole) there[q] = e + q <= last ? -1 : 0;
    }
  }

  // Zero past the last one.
  ALS_INLINE HalfVector only_there(HalfVector values) const {
    return kWhole ? values : (HalfVector)((GroupMask)values & there);
  }

  ALS_INLINE HalfVector load_terms(const float* of_all) const {
    return only_there(load<HalfVector>(of_all + first));
  }

  // w of each.
  ALS_INLINE HalfVector weights(const PassTerms& terms) const {
    constexpr std::int32_t kAllButSign = 0x7fffffff;
    return splat<HalfVector>(terms.scale) *
           (HalfVector)((GroupMask)load_terms(terms.weights) & kAllButSign);
  }

  // z . p of each.
  ALS_INLINE HalfVector dots(const float* p, std::size_t stride) const {
    Vector products[kGroup] = {};
    for (std::size_t k = 0; k < stride; k += kLanes) {
      const Vector direction = load<Vector>(p + k);
      ALS_UNROLL for (int q = 0; q < kGroup; ++q) {
        products[q] = fused(load<Vector>(z[q] + k), direction, products[q]);
      }
    }
    return sums_of_vectors(products);
  }

  // result += sum of c z. The vectors are in the first-level cache, where dots() has left them. Two
  // sums, as one would wait for the latency of each addition.
  ALS_INLINE void add(HalfVector c, float* __restrict result, std::size_t stride) const {
    // By way of memory, or a shuffle would spread each.
    __asm__("" : "+m"(c));
    Vector coefficients[kGroup];
    ALS_UNROLL for (int q = 0; q < kGroup; ++q) {
      float coefficient;
      __builtin_memcpy(&coefficient, (const char*)&c + q * sizeof coefficient, sizeof coefficient);
      coefficients[q] = splat<Vector>(coefficient);
    }
    for (std::size_t k = 0; k < stride; k += kLanes) {
      Vector even = fused(coefficients[0], load<Vector>(z[0] + k), load<Vector>(result + k));
      Vector odd = coefficients[1] * load<Vector>(z[1] + k);
      ALS_UNROLL for (int q = 2; q < kGroup; q += 2) {
        even = fused(coefficients[q], load<Vector>(z[q] + k), even);
        odd = fused(coefficients[q + 1], load<Vector>(z[q + 1] + k), odd);
      }
      store(result + k, even + odd);
    }
  }
};

// Calls with(group) for all ratings, while the vectors of later ones are on their way.
template <class With>
ALS_INLINE void for_each_group(const PassTerms& terms, const With& with) {
  std::size_t e = 0;
  for (; e + kGroup <= terms.count; e += kGroup) {
    fetch_vectors(terms, e + kPassAhead, e + kPassAhead + kGroup);
    with(PassGroup<true>(terms, e));
  }
  // What is left, and then the beginning of what comes next.
  fetch_vectors(terms, e + kPassAhead, terms.count + kPassAhead);
  if (e < terms.count) with(PassGroup<false>(terms, e));
}

// In double precision, a lane for each rating of a group.
struct GroupDoubles {
  static constexpr int kVectors = kGroup / kDoubleLanes;
  DoubleVector part[kVectors];

  ALS_INLINE explicit GroupDoubles(const HalfVector& values) {
    float lanes[kGroup];
    store(lanes, values);
    ALS_UNROLL for (int v = 0; v < kVectors; ++v) part[v] = load_doubles(lanes + v * kDoubleLanes);
  }
};

ALS_INLINE double sum_of_doubles(const GroupDoubles& sums) {
  double lane[kGroup];
  __builtin_memcpy(lane, sums.part, sizeof lane);
  double sum = 0;
  for (const double value : lane) sum += value;
  return sum;
}

float residual_pass(const PassTerms& terms, const float* x, float* result, PassLoss* loss) {
  const HalfVector bias = splat<HalfVector>(terms.bias);
  HalfVector total{};
  GroupDoubles beyond_zero{HalfVector{}};
  GroupDoubles at_zero{HalfVector{}};
  for_each_group(terms, [&](const auto& group) {
    const HalfVector weights = group.weights(terms);
    const HalfVector targets = group.load_terms(terms.targets);
    const HalfVector dots = group.only_there(group.dots(x, terms.stride) + bias);
    const HalfVector coefficients = targets - weights * dots;
    group.add(coefficients, result, terms.stride);
    total += coefficients;
    const GroupDoubles w(weights);
    const GroupDoubles h(targets);
    const GroupDoubles p(group.load_terms(terms.values));
    const GroupDoubles s(dots);
    ALS_UNROLL for (int v = 0; v < GroupDoubles::kVectors; ++v) {
      at_zero.part[v] += h.part[v] * p.part[v];
      beyond_zero.part[v] += s.part[v] * (w.part[v] * s.part[v] - 2 * h.part[v]);
    }
  });
  loss->at_zero += sum_of_doubles(at_zero);
  loss->beyond_zero += sum_of_doubles(beyond_zero);
  return sum_of_lanes(total);
}

float product_pass(const PassTerms& terms, const float* p, float* result) {
  const HalfVector bias = splat<HalfVector>(terms.bias);
  HalfVector total{};
  for_each_group(terms, [&](const auto& group) {
    const HalfVector weights = group.weights(terms);
    const HalfVector coefficients = -weights * (group.dots(p, terms.stride) + bias);
    group.add(coefficients, result, terms.stride);
    total += coefficients;
  });
  return sum_of_lanes(total);
}

double curvature_pass(const PassTerms& terms, const float* p) {
  const HalfVector bias = splat<HalfVector>(terms.bias);
  GroupDoubles sum{HalfVector{}};
  for_each_group(terms, [&](const auto& group) {
    const GroupDoubles w(group.weights(terms));
    const GroupDoubles s(group.dots(p, terms.stride) + bias);
    ALS_UNROLL for (int v = 0; v < GroupDoubles::kVectors; ++v) {
      sum.part[v] += w.part[v] * s.part[v] * s.part[v];
    }
  });
  return sum_of_doubles(sum);
}

void add_vectors(const PassTerms& terms, float* result) {
  for_each_group(terms, [&](const auto& group) {
    group.add(group.load_terms(terms.targets), result, terms.stride);
  });
}
