// The kernels for AVX-512.

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
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif

namespace als {
namespace {

constexpr int kLanes = 16;
constexpr int kTileColumns = 16;  // 16 of 32 registers hold the tile
constexpr int kTileVectors = 4;   // of items,
constexpr int kTileQueries = 6;   // by queries: 24 registers hold the tile of score_tile.inl

typedef float Vector __attribute__((vector_size(64)));
typedef float HalfVector __attribute__((vector_size(32)));
typedef std::int32_t IntVector __attribute__((vector_size(64)));

// a * b + c, rounded once.
ALS_INLINE Vector fused(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
ALS_INLINE HalfVector fused(HalfVector a, HalfVector b, HalfVector c) {
  return _mm256_fmadd_ps(a, b, c);
}

// a0 b0 + a1 b1 of the pairs of 16-bit integers in each lane.
ALS_INLINE IntVector pair_products(IntVector a, IntVector b) {
  return (IntVector)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}

ALS_INLINE IntVector add_pair_products(IntVector sum, IntVector a, IntVector b) {
  return sum + pair_products(a, b);
}

// Adds a0 b0 + a1 b1 and a2 b2 + a3 b3 of the bytes in each lane, those of a from 0 to 127, to the
// halves of the lane, which are to have room for that; and what such sums are.
ALS_INLINE IntVector add_byte_products(IntVector sum, IntVector a, IntVector b) {
  return (IntVector)_mm512_add_epi16((__m512i)sum, _mm512_maddubs_epi16((__m512i)a, (__m512i)b));
}
ALS_INLINE IntVector sum_of_byte_products(IntVector sum) {
  return pair_products(sum, 0x00010001 - IntVector{});
}

// Numbers from 0 to 255.
ALS_INLINE Vector numbers_of(const std::uint8_t* bytes) {
  return _mm512_maskz_cvtepi32_ps(
      0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128((const __m128i*)bytes)));
}

// A bit for each lane where a < b is not true.
ALS_INLINE std::uint32_t not_below(Vector a, Vector b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
}

// Adds 1 to each lane where a > b, or where a < b is not true.
ALS_INLINE IntVector add_if_above(IntVector sum, Vector a, Vector b) {
  return (IntVector)_mm512_mask_sub_epi32((__m512i)sum, _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ),
                                          (__m512i)sum, _mm512_set1_epi32(-1));
}
ALS_INLINE IntVector add_if_not_below(IntVector sum, Vector a, Vector b) {
  return (IntVector)_mm512_mask_sub_epi32((__m512i)sum, _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ),
                                          (__m512i)sum, _mm512_set1_epi32(-1));
}

// Stores the lanes whose bits are set, one after the other; what is behind them is overwritten.
// Returns their number.
ALS_INLINE std::size_t store_chosen(float* to, Vector v, std::uint32_t chosen) {
  _mm512_storeu_ps(to, _mm512_maskz_compress_ps(static_cast<__mmask16>(chosen), v));
  return static_cast<std::size_t>(__builtin_popcount(chosen));
}

// One half added to the other. With masks, since some versions of gcc warn of what is undefined
// without.
ALS_INLINE HalfVector halved(const Vector& v) {
  const HalfVector low = _mm512_maskz_extractf32x8_ps(0xff, v, 0);
  const HalfVector high = _mm512_maskz_extractf32x8_ps(0xff, v, 1);
  return low + high;
}

// The order matters.
// clang-format off
#include "core/kernels/vector.inl"
// clang-format on

// The sums of the lanes of two vectors, in the halves of one; of their halves, in its quarters; and
// of their quarters: one shuffle serves both. With masks, as above.
ALS_INLINE Vector merged_halves(Vector a, Vector b) {
  return _mm512_mask_blend_ps(0xff00, a, b) + _mm512_maskz_shuffle_f32x4(0xffff, a, b, 0x4e);
}
ALS_INLINE Vector merged_quarters(Vector a, Vector b) {
  const Vector others = _mm512_mask_blend_ps(0xf0f0, b, a);
  return _mm512_mask_blend_ps(0xf0f0, a, b) +
         _mm512_maskz_shuffle_f32x4(0xffff, others, others, 0xb1);
}
ALS_INLINE Vector merged_eighths(Vector a, Vector b) {
  return _mm512_mask_blend_ps(0xcccc, a, b) + _mm512_maskz_shuffle_ps(0xffff, a, b, 0x4e);
}

// The sums of the lanes of eight vectors, by a tree.
ALS_INLINE HalfVector sums_of_vectors(const Vector (&vectors)[8]) {
  Vector pairs[4];
  ALS_UNROLL for (int q = 0; q < 4; ++q) {
    pairs[q] = merged_halves(vectors[2 * q], vectors[2 * q + 1]);
  }
  const Vector all =
      merged_eighths(merged_quarters(pairs[0], pairs[1]), merged_quarters(pairs[2], pairs[3]));
  const Vector sums = all + _mm512_maskz_permute_ps(0xffff, all, 0xb1);
  // Of the vectors 0, 4, 2, 6, 1, 5, 3 and 7, each twice.
  const __m512i order = _mm512_setr_epi32(0, 8, 4, 12, 2, 10, 6, 14, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_maskz_extractf32x8_ps(0xff, _mm512_maskz_permutexvar_ps(0xffff, order, sums), 0);
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

const Kernels& avx512_kernels() { return kKernels; }

}  // namespace als

#endif
