#include "core/linalg/nonnegative_solver.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/linalg/term_accumulator.h"
#include "simd_levels.h"

namespace als {
namespace {

/// Random equations of `n` unknowns and as many terms and three.
NormalEquations random_equations(std::size_t n, std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  const std::size_t count = n + 3;
  FactorMatrix z(count, n);
  NormalEquations equations(n);
  TermAccumulator terms(n, false);
  for (std::size_t e = 0; e < count; ++e) {
    for (std::size_t k = 0; k < n; ++k) z.row(e)[k] = uniform(random);
    terms.add(z.row(e), 1.0F, 3 * uniform(random), equations);
  }
  terms.flush(equations);
  return equations;
}

double gradient(const NormalEquations& equations, Ridge ridge, const std::vector<float>& x,
                std::size_t k) {
  double sum = (k + 1 < x.size() ? ridge.others : ridge.last) * x[k] - equations.rhs()[k];
  for (std::size_t c = 0; c < x.size(); ++c) sum += static_cast<double>(equations.at(k, c)) * x[c];
  return sum;
}

// The conditions of Karush, Kuhn and Tucker, which only the minimum fulfils, from any start.
TEST(NonnegativeSolver, FindsTheMinimum) {
  at_every_level([] {
    std::mt19937_64 random(1);
    for (const std::size_t n : {1, 2, 7, 16, 40, 100}) {
      const NormalEquations equations = random_equations(n, random);
      NonnegativeSolver solver(n);
      const std::size_t nonnegative = n - n / 7;
      std::vector<float> first;
      for (const float start : {0.0F, 3.0F, -2.0F}) {
        std::vector<float> x(n, start);
        const CholeskySolver::Solution solution =
            solver.solve(equations, {0.5F, 0.2F}, nonnegative, x.data());
        EXPECT_TRUE(solution.direct);
        double reduction = 0;
        for (std::size_t k = 0; k < n; ++k) {
          const double g = gradient(equations, {0.5F, 0.2F}, x, k);
          if (k < nonnegative) {
            ASSERT_GE(x[k], 0.0F);
          }
          if (k < nonnegative && x[k] == 0) {
            ASSERT_GT(g, -1e-3) << k;
          } else {
            ASSERT_NEAR(g, 0, 1e-3) << k;
          }
          reduction += x[k] * (equations.rhs()[k] - g);
        }
        EXPECT_NEAR(solution.reduction, reduction, 1e-4 * std::fabs(reduction) + 1e-6);
        if (first.empty()) first = x;
        for (std::size_t k = 0; k < n; ++k) ASSERT_NEAR(x[k], first[k], 1e-3) << k;
      }
    }
  });
}

// Vectors that are nearly alike: a step along one unknown, or a few thousand, gets nowhere.
TEST(NonnegativeSolver, FindsTheMinimumAmongVectorsNearlyAlike) {
  at_every_level([] {
    std::mt19937_64 random(4);
    std::uniform_real_distribution<float> uniform(0, 1);
    for (const std::size_t n : {2, 5, 16, 33}) {
      NormalEquations equations(n);
      TermAccumulator terms(n, false);
      FactorMatrix z(n + 3, n);
      for (std::size_t e = 0; e < n + 3; ++e) {
        const float along = 1 + uniform(random);
        for (std::size_t k = 0; k < n; ++k) z.row(e)[k] = along + 0.02F * uniform(random);
        terms.add(z.row(e), 1.0F, along + 0.1F * uniform(random), equations);
      }
      terms.flush(equations);
      std::vector<float> x(n, 0.0F);
      const Ridge ridge{1e-4F, 1e-4F};
      EXPECT_TRUE(NonnegativeSolver(n).solve(equations, ridge, n, x.data()).direct);
      for (std::size_t k = 0; k < n; ++k) {
        const double g = gradient(equations, ridge, x, k);
        ASSERT_GE(x[k], 0.0F);
        // The entries of A are about 2 n, those of x below 1, rounded to 24 bits.
        ASSERT_GT(g, -1e-5 * static_cast<double>(n)) << k << " of " << n;
        if (x[k] > 0) {
          ASSERT_LT(g, 1e-5 * static_cast<double>(n)) << k << " of " << n;
        }
      }
    }
  });
}

// Where nothing pulls below zero the condition changes nothing.
TEST(NonnegativeSolver, AgreesWithTheFreeSolutionWhereThatIsPositive) {
  std::mt19937_64 random(2);
  const std::size_t n = 20;
  NormalEquations equations = random_equations(n, random);
  // b = (A + ridge I) (1, ..., 1).
  for (std::size_t r = 0; r < n; ++r) {
    double sum = 0.5;
    for (std::size_t c = 0; c < n; ++c) sum += equations.at(r, c);
    equations.rhs()[r] = static_cast<float>(sum);
  }
  std::vector<float> x(n, 0.0F);
  NonnegativeSolver(n).solve(equations, {0.5F, 0.5F}, n, x.data());
  for (const float value : x) EXPECT_NEAR(value, 1.0F, 1e-3);
}

TEST(NonnegativeSolver, LeavesWhatNothingDependsOn) {
  const NormalEquations nothing(3);
  std::vector<float> x = {1.0F, -1.0F, 0.0F};
  const CholeskySolver::Solution solution =
      NonnegativeSolver(3).solve(nothing, {0.0F, 0.0F}, 3, x.data());
  EXPECT_EQ(solution.reduction, 0);
  EXPECT_EQ(x, (std::vector<float>{1.0F, 0.0F, 0.0F}));
}

TEST(NonnegativeSolver, ReportsWhatIsNotFinite) {
  std::mt19937_64 random(3);
  NormalEquations equations = random_equations(4, random);
  equations.rhs()[2] = std::numeric_limits<float>::infinity();
  std::vector<float> x(4, 0.0F);
  EXPECT_THROW(NonnegativeSolver(4).solve(equations, {0.5F, 0.5F}, 4, x.data()), std::range_error);
}

}  // namespace
}  // namespace als
