#include "core/linalg/dual_solver.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/linalg/cholesky_solver.h"
#include "core/linalg/term_accumulator.h"
#include "simd_levels.h"

namespace als {
namespace {

struct Row {
  Row(std::size_t terms, std::size_t factors, float scale, std::mt19937_64& random)
      : z(terms, factors) {
    std::normal_distribution<float> normal;
    for (std::size_t e = 0; e < terms; ++e) {
      for (std::size_t k = 0; k < factors; ++k) z.row(e)[k] = scale * normal(random);
      weights.push_back(e % 3 == 0 ? 1.0F : std::fabs(normal(random)));
      targets.push_back(normal(random));
    }
  }

  bool solve_dual(DualSolver& solver, Ridge ridge, std::vector<float>& x) const {
    for (std::size_t e = 0; e < targets.size(); ++e) solver.add(z.row(e), weights[e], targets[e]);
    return solver.solve(ridge, x.data());
  }

  std::vector<float> solve_equations(bool bias, Ridge ridge) const {
    TermAccumulator terms(z.cols(), bias);
    NormalEquations equations(terms.unknowns());
    for (std::size_t e = 0; e < targets.size(); ++e) {
      terms.add(z.row(e), weights[e], weights[e] * targets[e], equations);
    }
    terms.flush(equations);
    std::vector<float> x(terms.unknowns(), 0.0F);
    CholeskySolver(terms.unknowns()).solve(equations, ridge, x.data());
    return x;
  }

  FactorMatrix z;
  std::vector<float> weights;
  std::vector<float> targets;
};

TEST(DualSolver, FindsWhatTheEquationsSay) {
  at_every_level([] {
    std::mt19937_64 random(3);
    for (const std::size_t factors : {4, 16, 63, 64, 128, 257}) {
      for (const bool bias : {false, true}) {
        DualSolver solver(factors, bias);
        ASSERT_EQ(solver.most_terms(), (factors + (bias ? 1 : 0)) / 4);
        for (std::size_t terms = solver.most_terms(); terms > 0; terms = terms * 4 / 5) {
          SCOPED_TRACE(std::to_string(terms) + " terms, factors " + std::to_string(factors));
          const Row row(terms, factors, 0.3F, random);
          const Ridge ridge{1.5F, bias ? 0.7F : 1.5F};
          std::vector<float> x(factors + (bias ? 1 : 0), 9.0F);
          ASSERT_TRUE(row.solve_dual(solver, ridge, x));
          // The same bits as from one that has solved nothing before.
          DualSolver fresh(factors, bias);
          std::vector<float> alone(x.size());
          ASSERT_TRUE(row.solve_dual(fresh, ridge, alone));
          ASSERT_EQ(x, alone);
          const std::vector<float> expected = row.solve_equations(bias, ridge);
          for (std::size_t k = 0; k < x.size(); ++k) ASSERT_NEAR(x[k], expected[k], 5e-6) << k;
        }
      }
    }
  });
}

TEST(DualSolver, LeavesSmallRidgesToOthers) {
  std::mt19937_64 random(4);
  for (const bool bias : {false, true}) {
    DualSolver solver(64, bias);
    const Row row(5, 64, 1, random);
    std::vector<float> x(65, 9.0F);
    for (const Ridge ridge : {Ridge{0, 0}, Ridge{1e-3F, 1}, Ridge{1e-30F, 1e-30F}}) {
      EXPECT_FALSE(row.solve_dual(solver, ridge, x));
      for (const float value : x) EXPECT_EQ(value, 9.0F);
    }
    if (bias) {
      EXPECT_FALSE(row.solve_dual(solver, {1, 1e-4F}, x));
    }
    // And what they have said of a row is forgotten.
    const Row other(2, 64, 1, random);
    ASSERT_TRUE(other.solve_dual(solver, {1, 1}, x));
    const std::vector<float> expected = other.solve_equations(bias, {1, 1});
    for (std::size_t k = 0; k < expected.size(); ++k) ASSERT_NEAR(x[k], expected[k], 2e-6);
  }
  // Vectors of zeros have nothing to say, with or without a ridge.
  DualSolver solver(64, false);
  const Row zeros(3, 64, 0, random);
  std::vector<float> x(64, 9.0F);
  EXPECT_FALSE(zeros.solve_dual(solver, {0, 0}, x));
  ASSERT_TRUE(zeros.solve_dual(solver, {1, 1}, x));
  for (const float value : x) EXPECT_EQ(value, 0.0F);
}

}  // namespace
}  // namespace als
