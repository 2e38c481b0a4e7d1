// Inner products of factor vectors, by the kernels of this processor.
#include "core/linalg/products.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/base/limits.h"
#include "core/kernels/kernels.h"

namespace als {
namespace {

// Of a block of work: a tenth of a millisecond, so that few rows, too, are work for all threads. At
// least so many rows, as each block goes through the whole matrix.
constexpr std::size_t kProductMultiplyAdds = std::size_t{1} << 21;
constexpr std::size_t kProductRows = 32;

}  // namespace

float dot(const float* a, const float* b, std::size_t n) { return kernels().dot(a, b, n); }

double dot_in_double(const float* a, const float* b, std::size_t n) {
  return kernels().dot_in_double(a, b, n);
}

double dot_in_double(const float* a, const double* b, std::size_t n) {
  constexpr std::size_t kSums = 8;  // that the compiler can keep in vectors
  double sums[kSums] = {};
  std::size_t k = 0;
  for (; k + kSums <= n; k += kSums) {
    for (std::size_t q = 0; q < kSums; ++q) sums[q] += static_cast<double>(a[k + q]) * b[k + q];
  }
  for (; k < n; ++k) sums[0] += static_cast<double>(a[k]) * b[k];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

float cosine(const float* a, const float* b, std::size_t n) {
  return cosine(dot_in_double(a, b, n), dot_in_double(a, a, n), dot_in_double(b, b, n));
}

float cosine(double ab, double aa, double bb) {
  return aa == 0 || bb == 0 ? 0.0F : static_cast<float>(ab / (std::sqrt(aa) * std::sqrt(bb)));
}

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

void transform(FactorMatrix& rows, const AlignedVector<float>& matrix, ThreadTeam& team) {
  const std::size_t n = rows.cols();
  team.for_each_block(rows.rows(), std::max(kProductMultiplyAdds / (n * n), kProductRows),
                      [&](std::size_t begin, std::size_t end, int) {
                        kernels().transform(rows.row(begin), end - begin, rows.stride(), n,
                                            matrix.data());
                      });
}

}  // namespace als
