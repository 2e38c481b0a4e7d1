// The kernels for AVX2 with fused multiply-add.

#include "core/base/limits.h"
#include "core/kernels/cosine_block.h"
#include "core/kernels/kernels.h"
#include "core/kernels/score_tile.h"
#include "core/kernels/search_block.h"

#if defined(__x86_64__)

#include <immintrin.h>

// Nothing but the kernels may be in here: a function of the standard library instantiated inside
// would be compiled for this target, and could be linked into code that runs everywhere.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace als {
namespace {

constexpr int kLanes = 8;
constexpr int kTileColumns = 4;  // 8 of 16 registers hold the tile
constexpr int kTileVectors = 2;  // of items,
constexpr int kTileQueries = 4;  // by queries: 8 registers hold the tile of score_tile.inl

typedef float Vector __attribute__((vector_size(32)));
typedef std::int32_t IntVector __attribute__((vector_size(32)));
using HalfVector = Vector;

// a * b + c, rounded once.
ALS_INLINE Vector fused(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

// a0 b0 + a1 b1 of the pairs of 16-bit integers in each lane.
ALS_INLINE IntVector pair_products(IntVector a, IntVector b) {
  return (IntVector)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

ALS_INLINE IntVector add_pair_products(IntVector sum, IntVector a, IntVector b) {
  return sum + pair_products(a, b);
}

// Adds a0 b0 + a1 b1 and a2 b2 + a3 b3 of the bytes in each lane, those of a from 0 to 127, to the
// halves of the lane, which are to have room for that; and what such sums are.
ALS_INLINE IntVector add_byte_products(IntVector sum, IntVector a, IntVector b) {
  return (IntVector)_mm256_add_epi16((__m256i)sum, _mm256_maddubs_epi16((__m256i)a, (__m256i)b));
}
ALS_INLINE IntVector sum_of_byte_products(IntVector sum) {
  return pair_products(sum, 0x00010001 - IntVector{});
}

// Numbers from 0 to 255.
ALS_INLINE Vector numbers_of(const std::uint8_t* bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)bytes)));
}

// A bit for each lane where a < b is not true.
ALS_INLINE std::uint32_t not_below(Vector a, Vector b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)));
}

// Adds 1 to each lane where a > b, or where a < b is not true: a comparison that is true is -1.
ALS_INLINE IntVector add_if_above(IntVector sum, Vector a, Vector b) {
  return sum - (IntVector)(a > b);
}
ALS_INLINE IntVector add_if_not_below(IntVector sum, Vector a, Vector b) {
  return sum - ~(IntVector)(a < b);
}

// For each set of lanes their numbers, a byte each, in their order.
struct ChosenLanes {
  constexpr ChosenLanes() : of() {
    for (std::uint32_t chosen = 0; chosen < 256; ++chosen) {
      int n = 0;
      for (std::uint64_t lane = 0; lane < 8; ++lane) {
        if ((chosen >> lane & 1) != 0) of[chosen] |= lane << 8 * n++;
      }
    }
  }
  std::uint64_t of[256];
};
constexpr ChosenLanes kChosenLanes;

// Stores the lanes whose bits are set, one after the other; what is behind them is overwritten.
// Returns their number.
ALS_INLINE std::size_t store_chosen(float* to, Vector v, std::uint32_t chosen) {
  const __m128i lanes = _mm_cvtsi64_si128(static_cast<long long>(kChosenLanes.of[chosen]));
  _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(v, _mm256_cvtepu8_epi32(lanes)));
  return static_cast<std::size_t>(__builtin_popcount(chosen));
}

// The order matters.
// clang-format off
#include "core/kernels/vector.inl"
// clang-format on

// The sums of the lanes of eight vectors, by adding neighbours.
ALS_INLINE HalfVector sums_of_vectors(const Vector (&vectors)[8]) {
  const __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(vectors[0], vectors[1]),
                                    _mm256_hadd_ps(vectors[2], vectors[3]));
  const __m256 high = _mm256_hadd_ps(_mm256_hadd_ps(vectors[4], vectors[5]),
                                     _mm256_hadd_ps(vectors[6], vectors[7]));
  return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                       _mm256_permute2f128_ps(low, high, 0x31));
}

// clang-format off
#include "core/kernels/inner_loops.inl"
// clang-format on

}  // namespace
}  // namespace als

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace als {

const Kernels& avx2_kernels() { return kKernels; }

}  // namespace als

#endif
