#include "core/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/kernels/simd_level.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/term_accumulator.h"
#include "kernels/rounding_error.h"
#include "simd_levels.h"

namespace als {
namespace {

const std::vector<std::size_t> kSizes = {1,  2,  3,   7,   8,   15,  16,  17,  31,   33,  63,
                                         64, 65, 100, 127, 128, 129, 255, 256, 1000, 1024};

struct Terms {
  FactorMatrix z;
  std::vector<float> weights;
  std::vector<float> rhs_weights;
};

Terms random_terms(std::size_t count, std::size_t factors, std::mt19937_64& random) {
  Terms terms{FactorMatrix(count, factors), {}, {}};
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (std::size_t e = 0; e < count; ++e) {
    for (std::size_t k = 0; k < factors; ++k) terms.z.row(e)[k] = uniform(random);
    terms.weights.push_back(e % 5 == 0 ? 0.0F : std::fabs(uniform(random)) * 4);
    terms.rhs_weights.push_back(uniform(random) * 5);
  }
  return terms;
}

// Against sums in double precision. Every entry may be off by the error bound of a sum in any
// order, one rounding a term and a few for the products: gamma_n of the sum of magnitudes.
void check_accumulation(std::size_t factors, bool bias, std::size_t count,
                        std::mt19937_64& random) {
  SCOPED_TRACE("factors " + std::to_string(factors) + (bias ? " with bias" : ""));
  const Terms terms = random_terms(count, factors, random);
  const std::size_t n = factors + (bias ? 1 : 0);
  TermAccumulator accumulator(factors, bias);
  ASSERT_EQ(accumulator.unknowns(), n);
  NormalEquations sum(n);
  for (std::size_t e = 0; e < count; ++e) {
    accumulator.add(terms.z.row(e), terms.weights[e], terms.rhs_weights[e], sum);
  }
  accumulator.flush(sum);

  const auto z = [&](std::size_t e, std::size_t k) {
    return k == factors ? 1.0 : static_cast<double>(terms.z.row(e)[k]);
  };
  const double gamma = static_cast<double>(count + 8) * kUnit;
  for (std::size_t r = 0; r < n; ++r) {
    std::vector<double> row(r + 1, 0.0);
    std::vector<double> magnitude(r + 1, 0.0);
    double b = 0;
    double b_magnitude = 0;
    for (std::size_t e = 0; e < count; ++e) {
      const double weighted = terms.weights[e] * z(e, r);
      for (std::size_t c = 0; c <= r; ++c) {
        row[c] += weighted * z(e, c);
        magnitude[c] += std::fabs(weighted * z(e, c));
      }
      b += terms.rhs_weights[e] * z(e, r);
      b_magnitude += std::fabs(terms.rhs_weights[e] * z(e, r));
    }
    for (std::size_t c = 0; c <= r; ++c) {
      ASSERT_NEAR(sum.at(r, c), row[c], gamma * magnitude[c] + 1e-30) << r << " " << c;
      ASSERT_EQ(sum.at(r, c), sum.at(c, r));
    }
    ASSERT_NEAR(sum.rhs()[r], b, gamma * b_magnitude + 1e-30) << r;
  }
  // The padding of the right-hand side stays zero: substitution relies on it.
  for (std::size_t r = n; r < blocks_of(n) * kBlock; ++r) ASSERT_EQ(sum.rhs()[r], 0.0F);
}

TEST(Kernels, GramMatrixAndRightHandSide) {
  at_every_level([] {
    std::mt19937_64 random(1);
    for (const std::size_t factors : kSizes) {
      for (const bool bias : {false, true}) {
        check_accumulation(factors, bias, factors > 300 ? 41 : 67, random);
      }
    }
  });
}

TEST(Kernels, GramMatrixOverSeveralPanels) {
  at_every_level([] {
    std::mt19937_64 random(2);
    for (const std::size_t count : {1, 2, 3, 4, 255, 256, 257, 700}) {
      check_accumulation(21, true, count, random);
      check_accumulation(32, false, count, random);
    }
  });
}

// A = Z^T Z / n + I / 2 of random Z, whose condition number is below 20.
NormalEquations well_conditioned(std::size_t n, std::mt19937_64& random) {
  NormalEquations equations(n);
  TermAccumulator accumulator(n, false);
  const Terms terms = random_terms(n + 3, n, random);
  for (std::size_t e = 0; e < n + 3; ++e) {
    accumulator.add(terms.z.row(e), 1.0F / static_cast<float>(n), terms.rhs_weights[e], equations);
  }
  accumulator.flush(equations);
  return equations;
}

// The factor and the solution leave residuals within a small multiple of n roundings.
TEST(Kernels, CholeskyAndSubstitution) {
  at_every_level([] {
    std::mt19937_64 random(3);
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(n);
      const NormalEquations equations = well_conditioned(n, random);
      AlignedVector<float> factor(matrix_floats(n), std::numeric_limits<float>::quiet_NaN());
      AlignedVector<float> inverse(blocks_of(n) * kBlock, -1.0F);
      ASSERT_TRUE(kernels().cholesky(equations.matrix(), n, {0.5F, 0.5F}, 1e-5F, factor.data(),
                                     inverse.data()));
      const double bound = 10 * std::sqrt(static_cast<double>(n)) * kUnit;
      const auto l = [&](std::size_t r, std::size_t c) {
        return r == c ? 1.0 / inverse[r] : static_cast<double>(factor[matrix_index(r, c)]);
      };
      // For large n a sample of the entries will do.
      const std::size_t step = n > 300 ? 37 : 1;
      for (std::size_t r = 0; r < n; r += step) {
        for (std::size_t c = 0; c <= r; c += step) {
          double product = 0;
          for (std::size_t k = 0; k <= c; ++k) product += l(r, k) * l(c, k);
          const double expected = equations.at(r, c) + (r == c ? 0.5 : 0.0);
          ASSERT_NEAR(product, expected, 4 * bound) << r << " " << c;
        }
      }

      AlignedVector<float> x(equations.rhs(), equations.rhs() + blocks_of(n) * kBlock);
      kernels().cholesky_solve(factor.data(), inverse.data(), n, x.data());
      double x_norm = 0;
      for (const float value : x) x_norm += static_cast<double>(value) * value;
      for (std::size_t r = 0; r < n; ++r) {
        double residual = 0.5 * x[r] - equations.rhs()[r];
        for (std::size_t c = 0; c < n; ++c)
          residual += static_cast<double>(equations.at(r, c)) * x[c];
        ASSERT_NEAR(residual, 0.0, 10 * bound * std::sqrt(x_norm)) << r;
      }
    }
  });
}

TEST(Kernels, CholeskyRefusesWhatIsNotPositiveDefinite) {
  at_every_level([] {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    for (const std::size_t n : {1, 5, 16, 17, 40}) {
      for (const float bad : {0.0F, -1.0F, 1e-7F, nan, infinity}) {
        NormalEquations equations(n);
        // The last row is the one before it, but for `bad` on the diagonal.
        for (std::size_t r = 0; r < n; ++r) equations.matrix()[matrix_index(r, r)] = 1.0F;
        if (n > 1) {
          equations.matrix()[matrix_index(n - 1, n - 2)] = 1.0F;
          equations.matrix()[matrix_index(n - 1, n - 1)] = 1.0F + bad;
        } else {
          equations.matrix()[0] = bad == 1e-7F ? 0.0F : bad;
        }
        AlignedVector<float> factor(matrix_floats(n));
        AlignedVector<float> inverse(blocks_of(n) * kBlock);
        EXPECT_FALSE(kernels().cholesky(equations.matrix(), n, {0.0F, 0.0F}, 1e-5F, factor.data(),
                                        inverse.data()))
            << n << " " << bad;
      }
    }
  });
}

// The passes of conjugate gradients against sums in double precision.
TEST(Kernels, Passes) {
  at_every_level([] {
    std::mt19937_64 random(5);
    for (const std::size_t factors : kSizes) {
      for (const std::size_t count : {1, 2, 3, 7, 8, 9, 31, 40}) {
        SCOPED_TRACE("factors " + std::to_string(factors) + " count " + std::to_string(count));
        const Terms terms = random_terms(50 + kBlock, factors, random);
        const std::size_t stride = terms.z.stride();
        std::vector<std::uint32_t> columns(count + 5);
        for (std::uint32_t& column : columns) column = static_cast<std::uint32_t>(random() % 50);
        std::vector<float> p(stride, 0.0F);
        for (std::size_t k = 0; k < factors; ++k) p[k] = terms.z.row(7)[k];
        // What is past the last rating must not count.
        std::vector<float> values(count + kBlock, std::numeric_limits<float>::quiet_NaN());
        for (std::size_t e = 0; e < count; ++e) values[e] = static_cast<float>(e % 3) - 0.5F;
        const float bias = 0.25F;
        // Their sizes count.
        auto weights = terms.weights;
        for (std::size_t e = 0; e < weights.size(); ++e) weights[e] *= e % 2 == 0 ? 2.0F : -2.0F;
        const PassTerms pass{terms.z.row(0),           stride,       columns.data(), count,
                             columns.size(),           bias,         0.5F,           weights.data(),
                             terms.rhs_weights.data(), values.data()};

        // Sums, and their terms without signs.
        struct Sums {
          explicit Sums(std::size_t n) : result(n, 0.5), magnitude(n, 0.5) {}
          std::vector<double> result, magnitude;
          double total = 0, total_magnitude = 0;
        };
        Sums residual(stride), product(stride), vectors(stride);
        double at_zero = 0, at_zero_magnitude = 0;
        double beyond_zero = 0, beyond_zero_magnitude = 0, curvature = 0, curvature_magnitude = 0;
        for (std::size_t e = 0; e < count; ++e) {
          const float* z = terms.z.row(columns[e]);
          const double w = terms.weights[e];
          const double h = terms.rhs_weights[e];
          double dot = bias;
          double size = bias;
          for (std::size_t k = 0; k < factors; ++k) {
            dot += static_cast<double>(z[k]) * p[k];
            size += std::fabs(static_cast<double>(z[k]) * p[k]);
          }
          const auto add = [&](Sums& sums, double coefficient, double most) {
            sums.total += coefficient;
            sums.total_magnitude += most;
            for (std::size_t k = 0; k < factors; ++k) {
              sums.result[k] += coefficient * z[k];
              sums.magnitude[k] += most * std::fabs(z[k]);
            }
          };
          add(residual, h - w * dot, std::fabs(h) + w * size);
          add(product, -w * dot, w * size);
          add(vectors, h, std::fabs(h));
          at_zero += h * values[e];
          at_zero_magnitude += std::fabs(h * values[e]);
          beyond_zero += dot * (w * dot - 2 * h);
          beyond_zero_magnitude += size * (w * size + 2 * std::fabs(h));
          curvature += w * dot * dot;
          curvature_magnitude += w * size * size;
        }
        const double gamma = static_cast<double>(factors + count + 16) * kUnit;
        const auto expect_near = [&](const std::vector<float>& result, const Sums& sums) {
          for (std::size_t k = 0; k < stride; ++k) {
            ASSERT_NEAR(result[k], sums.result[k], gamma * sums.magnitude[k]) << k;
          }
        };
        std::vector<float> result(stride, 0.5F);
        PassLoss loss{1, 2};
        EXPECT_NEAR(kernels().residual_pass(pass, p.data(), result.data(), &loss), residual.total,
                    gamma * residual.total_magnitude);
        expect_near(result, residual);
        EXPECT_NEAR(loss.at_zero, 1 + at_zero, 1e-12 * (1 + at_zero_magnitude));
        EXPECT_NEAR(loss.beyond_zero, 2 + beyond_zero, 2 * gamma * beyond_zero_magnitude + 1e-12);
        result.assign(stride, 0.5F);
        EXPECT_NEAR(kernels().product_pass(pass, p.data(), result.data()), product.total,
                    gamma * product.total_magnitude);
        expect_near(result, product);
        EXPECT_NEAR(kernels().curvature_pass(pass, p.data()), curvature,
                    2 * gamma * curvature_magnitude);
        result.assign(stride, 0.5F);
        kernels().add_vectors(pass, result.data());
        expect_near(result, vectors);
      }
    }
  });
}

TEST(Kernels, Transform) {
  at_every_level([] {
    std::mt19937_64 random(6);
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(n);
      const std::size_t count = n > 300 ? 5 : 37;
      Terms rows = random_terms(count, n, random);
      const Terms before = rows;
      const Terms matrix = random_terms(n, n, random);
      AlignedVector<float> blocks(blocks_of(n) * n * kBlock, 0.0F);
      for (std::size_t r = 0; r < n; ++r) {
        for (std::size_t c = 0; c < n; ++c) {
          blocks[(c / kBlock * n + r) * kBlock + c % kBlock] = matrix.z.row(r)[c];
        }
      }
      kernels().transform(rows.z.row(0), count, rows.z.stride(), n, blocks.data());
      for (std::size_t row = 0; row < count; ++row) {
        for (std::size_t c = 0; c < rows.z.stride(); ++c) {
          double sum = 0;
          double magnitude = 0;
          for (std::size_t k = 0; k < n && c < n; ++k) {
            const double term = static_cast<double>(before.z.row(row)[k]) * matrix.z.row(k)[c];
            sum += term;
            magnitude += std::fabs(term);
          }
          ASSERT_NEAR(rows.z.row(row)[c], sum, static_cast<double>(n + 2) * kUnit * magnitude);
        }
      }
    }
  });
}

#if defined(__x86_64__)
TEST(SimdLevel, IsAvailableWhereTheCompilerSaysSo) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  EXPECT_EQ(is_available(SimdLevel::kAvx2), avx2);
  const bool avx512 =
      avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  EXPECT_EQ(is_available(SimdLevel::kAvx512), avx512);
  if (avx512 && __builtin_cpu_supports("avx512vnni") != 0) {
    EXPECT_EQ(&kernels(), &avx512_vnni_kernels());
  }
}
#endif

TEST(SimdLevel, KnowsItsLevels) {
  const std::vector<SimdLevel> levels = available_simd_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), SimdLevel::kBaseline);
  const SimdLevel before = simd_level();
  EXPECT_EQ(before, levels.back());
  for (const SimdLevel level : levels) {
    EXPECT_TRUE(set_simd_level(level));
    EXPECT_EQ(simd_level(), level);
  }
  if (levels.back() != SimdLevel::kAvx512) {
    EXPECT_FALSE(set_simd_level(SimdLevel::kAvx512));
    EXPECT_EQ(simd_level(), levels.back());
  }
  set_simd_level(before);
}

}  // namespace
}  // namespace als
