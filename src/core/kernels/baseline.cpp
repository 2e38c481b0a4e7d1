// The kernels for what every processor of the architecture has: SSE2 or NEON.

#include "core/base/limits.h"
#include "core/kernels/cosine_block.h"
#include "core/kernels/kernels.h"
#include "core/kernels/score_tile.h"
#include "core/kernels/search_block.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace als {
namespace {

constexpr int kLanes = 4;
#if defined(__aarch64__)
constexpr int kTileColumns = 4;  // 16 of 32 registers hold the tile
#else
constexpr int kTileColumns = 2;  // 8 of 16 registers hold the tile
#endif
constexpr int kTileVectors = 2;  // of items,
constexpr int kTileQueries = 4;  // by queries: 8 registers hold the tile of score_tile.inl

typedef float Vector __attribute__((vector_size(16)));
typedef std::int32_t IntVector __attribute__((vector_size(16)));
using HalfVector = Vector;

// a * b + c; rounded once where the processor has it.
ALS_INLINE Vector fused(Vector a, Vector b, Vector c) {
#if defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

// a0 b0 + a1 b1 of the pairs of 16-bit integers in each lane.
ALS_INLINE IntVector pair_products(IntVector a, IntVector b) {
#if defined(__x86_64__)
  return (IntVector)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

ALS_INLINE IntVector add_pair_products(IntVector sum, IntVector a, IntVector b) {
  return sum + pair_products(a, b);
}

// Adds a0 b0 + a1 b1 + a2 b2 + a3 b3 of the bytes in each lane, those of a from 0 to 127; and what
// such sums are.
ALS_INLINE IntVector add_byte_products(IntVector sum, IntVector a, IntVector b) {
  typedef std::int16_t Shorts __attribute__((vector_size(16)));
  const IntVector bytes = 0x00ff00ff - IntVector{};
  sum = add_pair_products(sum, a & bytes, (IntVector)(((Shorts)b << 8) >> 8));
  return add_pair_products(sum, (a >> 8) & bytes, (IntVector)((Shorts)b >> 8));
}
ALS_INLINE IntVector sum_of_byte_products(IntVector sum) { return sum; }

// Numbers from 0 to 255.
ALS_INLINE Vector numbers_of(const std::uint8_t* bytes) {
  return Vector{static_cast<float>(bytes[0]), static_cast<float>(bytes[1]),
                static_cast<float>(bytes[2]), static_cast<float>(bytes[3])};
}

// A bit for each lane where a < b is not true.
ALS_INLINE std::uint32_t not_below(Vector a, Vector b) {
#if defined(__x86_64__)
  return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpnlt_ps(a, b)));
#else
  const IntVector bits = ~(a < b) & IntVector{1, 2, 4, 8};
  return static_cast<std::uint32_t>(bits[0] + bits[1] + bits[2] + bits[3]);
#endif
}

// Adds 1 to each lane where a > b, or where a < b is not true: a comparison that is true is -1.
ALS_INLINE IntVector add_if_above(IntVector sum, Vector a, Vector b) {
  return sum - (IntVector)(a > b);
}
ALS_INLINE IntVector add_if_not_below(IntVector sum, Vector a, Vector b) {
  return sum - ~(IntVector)(a < b);
}

// The order matters.
// clang-format off
#include "core/kernels/vector.inl"
// clang-format on

// Stores the lanes whose bits are set, one after the other; what is behind them is overwritten.
// Returns their number.
ALS_INLINE std::size_t store_chosen(float* to, Vector v, std::uint32_t chosen) {
  std::size_t n = 0;
  ALS_UNROLL for (int lane = 0; lane < kLanes; ++lane) {
    to[n] = v[lane];
    n += chosen >> lane & 1;
  }
  return n;
}

// The sums of the lanes of four vectors.
ALS_INLINE HalfVector sums_of_vectors(const Vector (&vectors)[4]) {
  HalfVector sums{};
  ALS_UNROLL for (int q = 0; q < 4; ++q) sums[q] = sum_of_lanes(vectors[q]);
  return sums;
}

// clang-format off
#include "core/kernels/inner_loops.inl"
// clang-format on

}  // namespace

const Kernels& baseline_kernels() { return kKernels; }

}  // namespace als
