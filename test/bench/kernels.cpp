// How fast the inner loops are on one core of this machine, at each level of vector instructions:
// make bench-kernels.

#include "core/kernels/kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "core/kernels/simd_level.h"
#include "core/linalg/factor_matrix.h"
#include "processor_time.h"

namespace als {
namespace {

/// Runs `run` until half a second has passed; returns operations a second, in units of 10^9.
template <class Run>
double giga_operations(double operations, const Run& run) {
  run();
  std::size_t runs = 0;
  const double start = processor_seconds();
  double passed = 0;
  for (std::size_t batch = 1; passed < 0.5; batch *= 2) {
    for (std::size_t n = 0; n < batch; ++n) run();
    runs += batch;
    passed = processor_seconds() - start;
  }
  return static_cast<double>(runs) * operations / passed / 1e9;
}

void measure(std::size_t factors) {
  constexpr std::size_t kTerms = 256;
  const std::size_t padded = blocks_of(factors) * kBlock;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  FactorMatrix vectors(kTerms, factors);
  std::vector<const float*> rows;
  std::vector<std::uint32_t> columns;
  for (std::size_t e = 0; e < kTerms; ++e) {
    for (std::size_t k = 0; k < factors; ++k) vectors.row(e)[k] = uniform(random);
    rows.push_back(vectors.row(e));
    columns.push_back(static_cast<std::uint32_t>(e));
  }
  const std::vector<float> ones(kTerms + kBlock, 1.0F);
  AlignedVector<float> panel(kTerms * padded);
  AlignedVector<float> matrix(matrix_floats(factors), 0.0F);
  AlignedVector<float> factor(matrix_floats(factors), 0.0F);
  AlignedVector<float> rhs(padded, 0.0F);
  AlignedVector<float> inverse(padded, 0.0F);
  const auto n = static_cast<double>(factors);

  const double gram = giga_operations(kTerms * n * (n + 1), [&] {
    kernels().accumulate(
        {rows.data(), ones.data(), ones.data(), kTerms, factors, false, nullptr, 0}, panel.data(),
        matrix.data(), rhs.data());
  });
  std::fill(matrix.begin(), matrix.end(), 0.0F);
  for (std::size_t k = 0; k < factors; ++k) matrix[matrix_index(k, k)] = 1.0F;
  const double cholesky = giga_operations(n * n * n / 3, [&] {
    kernels().cholesky(matrix.data(), factors, {1.0F, 1.0F}, 1e-5F, factor.data(), inverse.data());
  });
  const double pass = giga_operations(4 * kTerms * n, [&] {
    kernels().product_pass({vectors.row(0), padded, columns.data(), kTerms, 0, 0, 1, ones.data(),
                            ones.data(), ones.data()},
                           rhs.data(), inverse.data());
  });
  std::printf("| %s | %zu | %.1f | %.1f | %.1f |\n", simd_level_name(simd_level()), factors, gram,
              cholesky, pass);
}

}  // namespace
}  // namespace als

int main() {
  std::printf(
      "GFLOP/s on one core, vectors in the cache\n\n"
      "| als.simd | factors | Gram sum | Cholesky | pass of conjugate gradients |\n"
      "|---|---|---|---|---|\n");
  for (const als::SimdLevel level : als::available_simd_levels()) {
    als::set_simd_level(level);
    for (const std::size_t factors : {32, 64, 65, 128, 256}) als::measure(factors);
  }
}
