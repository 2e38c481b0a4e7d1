// Inner products of factor vectors, by the kernels of this processor.
#include "core/linalg/products.h"

#include <stdexcept>

#include "core/base/limits.h"
#include "core/kernels/kernels.h"

namespace als {

float dot(const float* a, const float* b, std::size_t n) { return kernels().dot(a, b, n); }

void score_all(const FactorView& items, const float* bias, float base, const float* user,
               float* scores) {
  if (items.cols > kMaxFactors) throw std::length_error("too many factors");
  kernels().multiply(items.data, items.rows, items.stride, user, items.cols, scores);
  if (bias != nullptr) {
    for (std::size_t i = 0; i < items.rows; ++i) scores[i] = (base + bias[i]) + scores[i];
  } else {
    for (std::size_t i = 0; i < items.rows; ++i) scores[i] = base + scores[i];
  }
}

}  // namespace als
