// The kernels for what every processor of the architecture has: SSE2 or NEON.

#include "core/kernels.h"
#include "core/options.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace als {
namespace {

constexpr int kLanes = 4;
#if defined(__aarch64__)
constexpr int kTileColumns = 4;  // 16 of 32 registers hold the tile
#else
constexpr int kTileColumns = 2;  // 8 of 16 registers hold the tile
#endif

typedef float Vector __attribute__((vector_size(16)));
using HalfVector = Vector;

// a * b + c; rounded once where the processor has it.
ALS_INLINE Vector fused(Vector a, Vector b, Vector c) {
#if defined(__aarch64__)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

// The order matters.
// clang-format off
#include "core/kernels_vector.inl"
#include "core/kernels_gram.inl"
#include "core/kernels_cholesky.inl"
#include "core/kernels_dot.inl"
#include "core/kernels_pass.inl"
#include "core/kernels_transform.inl"
// clang-format on

}  // namespace

const Kernels& baseline_kernels() {
  static constexpr Kernels kTable{accumulate, cholesky, cholesky_solve, pass,
                                  transform,  dot,      multiply};
  return kTable;
}

}  // namespace als
