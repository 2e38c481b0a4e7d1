// Numbers of single precision as multiples of powers of two. Included by avx2.cpp, avx512.cpp and
// baseline.cpp.
//
// The loops over a block have no branches, so that compilers make vectors of them. Products with
// powers of two are exact: the bits are the same at every level.

// A number's bits without its sign: in the order of the numbers, and what is not finite above all.
ALS_INLINE std::int32_t magnitude(float value) {
  std::int32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits & 0x7fffffff;
}

std::int32_t largest_magnitude(const float* x, const float* scales, std::size_t n) {
  std::int32_t largest[kBlock] = {};
  for (std::size_t k = 0; k < n; k += kBlock) {
    for (std::size_t q = 0; q < kBlock; ++q) {
      const std::int32_t size = magnitude(x[k + q] * scales[k + q]);
      largest[q] = size > largest[q] ? size : largest[q];
    }
  }
  std::int32_t most = 0;
  for (const std::int32_t size : largest) most = size > most ? size : most;
  return most;
}

void raise_magnitudes(const float* x, float scale, std::size_t n, std::int32_t* largest) {
  for (std::size_t k = 0; k < n; k += kBlock) {
    for (std::size_t q = 0; q < kBlock; ++q) {
      const std::int32_t size = magnitude(x[k + q] * scale);
      largest[k + q] = size > largest[k + q] ? size : largest[k + q];
    }
  }
}

void to_multiples(const float* x, const float* scales, float scale, std::size_t n,
                  std::int16_t* multiples) {
  // To add kRounds to a number rounds it to a whole one, to the even one if it is halfway, and the
  // last bits of the sum are that.
  constexpr float kMost = 32767;
  constexpr float kRounds = 12582912;  // 1.5 * 2^23
  constexpr std::int32_t kRoundsBits = 0x4b400000;
  for (std::size_t k = 0; k < n; k += kBlock) {
    for (std::size_t q = 0; q < kBlock; ++q) {
      float value = x[k + q] * scales[k + q] * scale;
      value = value < -kMost ? -kMost : value;
      value = value > kMost ? kMost : value;
      const float sum = value + kRounds;
      std::int32_t bits;
      __builtin_memcpy(&bits, &sum, sizeof bits);
      multiples[k + q] = static_cast<std::int16_t>(bits - kRoundsBits);
    }
  }
}

void from_multiples(const std::int16_t* multiples, const float* scales, float scale, std::size_t n,
                    float* x) {
  for (std::size_t k = 0; k < n; k += kBlock) {
    for (std::size_t q = 0; q < kBlock; ++q)
      x[k + q] = static_cast<float>(multiples[k + q]) * scale * scales[k + q];
  }
}
