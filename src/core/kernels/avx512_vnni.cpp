// The kernels for AVX-512 with VNNI: those of AVX-512, but for the products of codes.

#include "core/base/limits.h"
#include "core/kernels/cosine_block.h"
#include "core/kernels/kernels.h"
#include "core/kernels/score_tile.h"

#if defined(__x86_64__)

#include <immintrin.h>

// As in avx512.cpp.
#if defined(__clang__)
#pragma clang attribute push(                                                          \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma")
#endif

namespace als {
namespace {

constexpr int kLanes = 16;
constexpr int kTileVectors = 4;
constexpr int kTileQueries = 6;

typedef float Vector __attribute__((vector_size(64)));
typedef std::int32_t IntVector __attribute__((vector_size(64)));

ALS_INLINE Vector fused(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

// sum + a0 b0 + a1 b1 of the pairs of 16-bit integers in each lane.
ALS_INLINE IntVector add_pair_products(IntVector sum, IntVector a, IntVector b) {
  return (IntVector)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

// Adds a0 b0 + a1 b1 + a2 b2 + a3 b3 of the bytes in each lane, those of a from 0 to 127; and what
// such sums are.
ALS_INLINE IntVector add_byte_products(IntVector sum, IntVector a, IntVector b) {
  return (IntVector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
ALS_INLINE IntVector sum_of_byte_products(IntVector sum) { return sum; }

// As in avx512.cpp.
ALS_INLINE Vector numbers_of(const std::uint8_t* bytes) {
  return _mm512_maskz_cvtepi32_ps(
      0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128((const __m128i*)bytes)));
}

ALS_INLINE std::uint32_t not_below(Vector a, Vector b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
}

// clang-format off
#include "core/kernels/vector.inl"
#include "core/kernels/cosine_search.inl"
#include "core/kernels/score_tile.inl"
// clang-format on

}  // namespace
}  // namespace als

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace als {

const Kernels& avx512_vnni_kernels() {
  static const Kernels kTable = [] {
    Kernels table = avx512_kernels();
    table.find_in_tiles = find_in_tiles;
    table.score_tiles = score_tiles;
    table.bound_cosine_blocks = bound_cosine_blocks;
    table.find_cosines = find_cosines;
    return table;
  }();
  return kTable;
}

}  // namespace als

#endif
