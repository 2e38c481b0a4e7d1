// The kernels for AVX-512.

#include "core/kernels.h"
#include "core/options.h"

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

typedef float Vector __attribute__((vector_size(64)));
typedef float HalfVector __attribute__((vector_size(32)));

// a * b + c, rounded once.
ALS_INLINE Vector fused(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
ALS_INLINE HalfVector fused(HalfVector a, HalfVector b, HalfVector c) {
  return _mm256_fmadd_ps(a, b, c);
}

// The order matters.
// clang-format off
#include "core/kernels_vector.inl"
#include "core/kernels_gram.inl"
#include "core/kernels_cholesky.inl"
#include "core/kernels_dot.inl"
// clang-format on

}  // namespace
}  // namespace als

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace als {

const Kernels& avx512_kernels() {
  static constexpr Kernels kTable{accumulate, cholesky, cholesky_solve, dot, multiply};
  return kTable;
}

}  // namespace als

#endif
