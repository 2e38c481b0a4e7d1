#include "core/linalg/cholesky_solver.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/linalg/term_accumulator.h"
#include "simd_levels.h"

namespace als {
namespace {

struct Problem {
  FactorMatrix z;
  std::vector<float> weights;
  std::vector<float> targets;
  Ridge ridge;
};

Problem random_problem(std::size_t terms, std::size_t factors, std::mt19937_64& random) {
  Problem problem{FactorMatrix(terms, factors), {}, {}, {0.3F, 0.7F}};
  std::normal_distribution<float> normal;
  for (std::size_t e = 0; e < terms; ++e) {
    for (std::size_t k = 0; k < factors; ++k) problem.z.row(e)[k] = normal(random);
    problem.weights.push_back(std::fabs(normal(random)));
    problem.targets.push_back(normal(random));
  }
  return problem;
}

NormalEquations equations_of(const Problem& problem, bool bias) {
  TermAccumulator accumulator(problem.z.cols(), bias);
  NormalEquations equations(accumulator.unknowns());
  for (std::size_t e = 0; e < problem.z.rows(); ++e) {
    accumulator.add(problem.z.row(e), problem.weights[e], problem.weights[e] * problem.targets[e],
                    equations);
  }
  accumulator.flush(equations);
  return equations;
}

Eigen::MatrixXd design(const Problem& problem, bool bias) {
  const auto cols = static_cast<Eigen::Index>(problem.z.cols());
  Eigen::MatrixXd z(problem.z.rows(), cols + (bias ? 1 : 0));
  z.setOnes();
  for (Eigen::Index e = 0; e < z.rows(); ++e) {
    for (Eigen::Index k = 0; k < cols; ++k) z(e, k) = problem.z.row(e)[k];
  }
  return z;
}

double quadratic(const Problem& problem, const Eigen::MatrixXd& z, const Eigen::VectorXd& x) {
  const double last = x[x.size() - 1] * x[x.size() - 1];
  double sum = problem.ridge.others * (x.squaredNorm() - last) + problem.ridge.last * last;
  for (Eigen::Index e = 0; e < z.rows(); ++e) {
    const double error = problem.targets[e] - z.row(e).dot(x);
    sum += problem.weights[e] * error * error;
  }
  return sum;
}

Eigen::VectorXd as_eigen(const std::vector<float>& x) {
  return Eigen::Map<const Eigen::VectorXf>(x.data(), static_cast<Eigen::Index>(x.size()))
      .cast<double>();
}

TEST(CholeskySolver, MatchesDoublePrecision) {
  at_every_level([] {
    std::mt19937_64 random(1);
    for (const std::size_t factors : {1, 2, 5, 16, 20, 64, 65, 100}) {
      for (const bool bias : {false, true}) {
        for (const std::size_t terms : {std::size_t{1}, std::size_t{7}, 3 * factors + 10}) {
          const Problem problem = random_problem(terms, factors, random);
          const NormalEquations equations = equations_of(problem, bias);
          CholeskySolver solver(equations.unknowns());
          std::vector<float> x(equations.unknowns());
          const CholeskySolver::Solution solution =
              solver.solve(equations, problem.ridge, x.data());
          EXPECT_TRUE(solution.direct);

          const Eigen::MatrixXd z = design(problem, bias);
          Eigen::VectorXd w = as_eigen(problem.weights);
          Eigen::MatrixXd a = z.transpose() * w.asDiagonal() * z;
          a.diagonal().array() += problem.ridge.others;
          a(a.rows() - 1, a.rows() - 1) += problem.ridge.last - problem.ridge.others;
          const Eigen::VectorXd b = z.transpose() * w.cwiseProduct(as_eigen(problem.targets));
          const Eigen::VectorXd expected = a.llt().solve(b);
          // Condition numbers are below a thousand here: 1e-4 is 1000 * a few roundings.
          ASSERT_LT((as_eigen(x) - expected).norm(), 1e-4 * expected.norm() + 1e-6)
              << factors << " " << terms;

          const double at_zero = quadratic(problem, z, Eigen::VectorXd::Zero(z.cols()));
          ASSERT_NEAR(at_zero - solution.reduction, quadratic(problem, z, as_eigen(x)),
                      3e-6 * at_zero);
        }
      }
    }
  });
}

TEST(CholeskySolver, TakesEquationsInParts) {
  std::mt19937_64 random(2);
  Problem problem = random_problem(50, 10, random);
  const NormalEquations whole = equations_of(problem, false);
  NormalEquations sum(10);
  for (std::size_t part = 0; part < 2; ++part) {
    Problem half = problem;
    for (std::size_t e = 0; e < 50; ++e) {
      if (e % 2 != part) half.weights[e] = 0;
    }
    sum.add(equations_of(half, false));
  }
  CholeskySolver solver(10);
  std::vector<float> x(10);
  std::vector<float> y(10);
  solver.solve(whole, {0.3F, 0.3F}, x.data());
  solver.solve(sum, {0.3F, 0.3F}, y.data());
  for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(x[k], y[k], 1e-5);
}

// Fewer distinct vectors than unknowns, and no ridge: many solutions. One that is not long and
// explains all that can be explained is wanted.
TEST(CholeskySolver, SolvesSingularSystems) {
  at_every_level([] {
    std::mt19937_64 random(3);
    for (const std::size_t factors : {2, 16, 40}) {
      Problem problem = random_problem(8, factors, random);
      problem.ridge = {0.0F, 0.0F};
      for (std::size_t e = 1; e < 8; ++e) {  // the same vector again and again
        std::copy_n(problem.z.row(0), factors, problem.z.row(e));
        problem.targets[e] = problem.targets[0];
      }
      const NormalEquations equations = equations_of(problem, false);
      CholeskySolver solver(factors);
      std::vector<float> x(factors);
      const CholeskySolver::Solution solution = solver.solve(equations, {0.0F, 0.0F}, x.data());
      EXPECT_FALSE(solution.direct);
      const Eigen::MatrixXd z = design(problem, false);
      const double at_zero = quadratic(problem, z, Eigen::VectorXd::Zero(z.cols()));
      const double at_x = quadratic(problem, z, as_eigen(x));
      EXPECT_LT(at_x, 1e-4 * at_zero);
      // Less than what the larger ridge adds to the quadratic.
      EXPECT_NEAR(at_zero - solution.reduction, at_x, 1e-6 * at_zero);
      // The shortest solution is t z / |z|^2.
      const double shortest = std::fabs(problem.targets[0]) / z.row(0).norm();
      EXPECT_LT(as_eigen(x).norm(), 1.05 * shortest);
    }
  });
}

TEST(CholeskySolver, SolvesIllConditionedSystemsInDouble) {
  // Condition number about 1e6: beyond the pivot tolerance of the single-precision factorisation,
  // within that of the double-precision one.
  NormalEquations equations(2);
  equations.matrix()[matrix_index(0, 0)] = 1.0F;
  equations.matrix()[matrix_index(1, 0)] = 1.0F;
  equations.matrix()[matrix_index(1, 1)] = 1.0F + 4.0F / (1 << 20);
  equations.rhs()[0] = 1.0F;
  equations.rhs()[1] = 1.0F + 8.0F / (1 << 20);
  CholeskySolver solver(2);
  std::vector<float> x(2);
  const CholeskySolver::Solution solution = solver.solve(equations, {0.0F, 0.0F}, x.data());
  EXPECT_FALSE(solution.direct);
  EXPECT_NEAR(x[0], -1.0F, 1e-5);
  EXPECT_NEAR(x[1], 2.0F, 1e-5);
}

// A component that a ridge has taken to next to nothing, once that ridge is gone: of use only if x
// were beyond all others, whose squares single precision cannot hold.
TEST(CholeskySolver, LeavesWhatIsNegligible) {
  at_every_level([] {
    for (const float least : {1e-38F, 1e-20F}) {
      NormalEquations equations(3);
      for (std::size_t k = 0; k < 3; ++k) {
        equations.matrix()[matrix_index(k, k)] = k == 1 ? least : 1e7F;
        equations.rhs()[k] = k == 1 ? 10 * std::sqrt(least) : 2e7F;
      }
      equations.matrix()[matrix_index(2, 0)] = 1e6F;
      CholeskySolver solver(3);
      EXPECT_FALSE(solver.well_conditioned(equations, {0.0F, 0.0F}));
      std::vector<float> x{0.0F, 0.5F, 0.0F};
      const CholeskySolver::Solution solution = solver.solve(equations, {0.0F, 0.0F}, x.data());
      EXPECT_FALSE(solution.direct);
      EXPECT_NEAR(x[1], 0.5F, 1e-5F);
      EXPECT_NEAR(x[0], 2 / 1.1, 1e-5);
      EXPECT_NEAR(x[2], 2 / 1.1, 1e-5);
      EXPECT_NEAR(solution.reduction / (2e7 * (x[0] + x[2])), 1, 1e-5);
      // Not so under a ridge.
      EXPECT_TRUE(solver.well_conditioned(equations, {1e5F, 1e5F}));
    }
  });
}

// Ratings of any scale: the vectors' part of A has the scale of the ratings, a bias's has none.
TEST(CholeskySolver, BiasesHaveAUnitOfTheirOwn) {
  for (const float scale : {1e-15F, 1.0F, 1e15F}) {
    NormalEquations equations(3);
    for (std::size_t k = 0; k < 3; ++k) {
      equations.matrix()[matrix_index(k, k)] = k == 2 ? 10.0F : 4 * scale;
      equations.rhs()[k] = k == 2 ? 20.0F : 8 * scale;
    }
    CholeskySolver solver(3, 2);
    std::vector<float> x{0.0F, 0.0F, 0.0F};
    EXPECT_TRUE(solver.solve(equations, {0.0F, 0.0F}, x.data()).direct);
    for (const float value : x) EXPECT_NEAR(value, 2.0F, 1e-5F);
    // Of two factors that are the same, the shortest: a ridge around x has these units, too.
    for (const std::size_t k : {0, 1}) {
      equations.matrix()[matrix_index(1, k)] = 2 * scale;
      x[k] = 0;
    }
    equations.matrix()[matrix_index(0, 0)] = 2 * scale;
    x[2] = 0;
    EXPECT_FALSE(solver.solve(equations, {0.0F, 0.0F}, x.data()).direct);
    for (const float value : x) EXPECT_NEAR(value, 2.0F, 1e-5F);
  }
}

TEST(CholeskySolver, NothingGivesZero) {
  NormalEquations equations(5);
  CholeskySolver solver(5);
  std::vector<float> x(5, 7.0F);
  const CholeskySolver::Solution solution = solver.solve(equations, {0.0F, 0.0F}, x.data());
  EXPECT_EQ(x, std::vector<float>(5, 0.0F));
  EXPECT_EQ(solution.reduction, 0.0);
  solver.solve(equations, {2.0F, 2.0F}, x.data());
  EXPECT_EQ(x, std::vector<float>(5, 0.0F));
}

TEST(CholeskySolver, ReportsWhatIsNotFinite) {
  for (const double huge : {1e30, 1e38}) {
    NormalEquations equations(3);
    TermAccumulator accumulator(3, false);
    FactorMatrix z(1, 3);
    for (std::size_t k = 0; k < 3; ++k) z.row(0)[k] = static_cast<float>(huge);
    accumulator.add(z.row(0), 1.0F, 1.0F, equations);  // z z^T overflows
    accumulator.flush(equations);
    CholeskySolver solver(3);
    std::vector<float> x(3);
    EXPECT_THROW(solver.solve(equations, {0.1F, 0.1F}, x.data()), std::range_error);
  }
  NormalEquations equations(1);
  equations.matrix()[0] = 1e-30F;
  equations.rhs()[0] = 1e30F;
  CholeskySolver solver(1);
  std::vector<float> x(1);
  EXPECT_THROW(solver.solve(equations, {0.0F, 0.0F}, x.data()), std::range_error);
}

}  // namespace
}  // namespace als
