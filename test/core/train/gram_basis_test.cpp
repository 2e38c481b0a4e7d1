#include "core/train/gram_basis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "core/linalg/products.h"
#include "core/linalg/term_accumulator.h"
#include "core/search/top_k.h"
#include "simd_levels.h"

namespace als {
namespace {

// Turned to the basis of the Gram matrix, that matrix is diagonal, both sides have the same ridge
// in each component, and the scores are what they were.
TEST(GramBasis, DiagonalisesBalancesAndKeepsScores) {
  at_every_level([] {
    for (const std::size_t n : {1, 5, 16, 33, 64, 130}) {
      SCOPED_TRACE(n);
      const std::size_t rows = 200;
      std::mt19937_64 random(n);
      std::uniform_real_distribution<float> uniform(-1, 1);
      ThreadTeam team(2);
      FactorMatrix fixed(rows, n);
      FactorMatrix solved(rows, n);
      NormalEquations gram(n);
      TermAccumulator terms(n, false);
      CompressedRows ratings;
      ratings.offsets.push_back(0);
      std::vector<float> ridges;
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t k = 0; k < n; ++k) {
          // Of very different sizes, and not independent.
          fixed.row(row)[k] =
              uniform(random) / static_cast<float>(k + 1) + (k > 0 ? fixed.row(row)[0] : 0);
          solved.row(row)[k] = 10 * uniform(random);
        }
        terms.add(fixed.row(row), 1.0F, 0.0F, gram);
        ratings.offsets.push_back(row + 1);
        ratings.columns.push_back(0);
        ridges.push_back(0.5F + static_cast<float>(row % 7));
      }
      terms.flush(gram);
      const auto score = [&](std::size_t row) { return dot(fixed.row(row), solved.row(row), n); };
      std::vector<float> scores;
      for (std::size_t row = 0; row < rows; ++row) scores.push_back(score(row));

      GramBasis basis(n);
      basis.turn(gram, {ratings, ridges, fixed}, {ratings, ridges, solved}, team);
      double largest = 0;
      for (std::size_t k = 0; k < n; ++k)
        largest = std::max<double>(largest, basis.eigenvalues()[k]);
      for (std::size_t r = 0; r < n; ++r) {
        for (std::size_t c = 0; c <= r; ++c) {
          double sum = 0;
          for (std::size_t row = 0; row < rows; ++row) {
            sum += static_cast<double>(fixed.row(row)[r]) * fixed.row(row)[c];
          }
          ASSERT_NEAR(sum, r == c ? basis.eigenvalues()[r] : 0.0F, 1e-4 * largest);
          ASSERT_EQ(gram.at(r, c), r == c ? basis.eigenvalues()[r] : 0.0F);
        }
        ASSERT_NEAR(basis.mean_squares()[r] * rows, basis.eigenvalues()[r], 1e-4 * largest);
        double fixed_ridge = 0;
        double solved_ridge = 0;
        for (std::size_t row = 0; row < rows; ++row) {
          fixed_ridge += ridges[row] * std::pow(fixed.row(row)[r], 2);
          solved_ridge += ridges[row] * std::pow(solved.row(row)[r], 2);
        }
        ASSERT_NEAR(fixed_ridge, solved_ridge, 1e-4 * solved_ridge);
      }
      for (std::size_t row = 0; row < rows; ++row) {
        ASSERT_NEAR(score(row), scores[row], 1e-4F * static_cast<float>(n));
      }
    }
  });
}

// A side without any factors yet stays so, and has no say in the scales.
TEST(GramBasis, LeavesScalesWhereOneSideIsZero) {
  ThreadTeam team(1);
  FactorMatrix fixed(2, 2);
  FactorMatrix solved(2, 2);
  fixed.row(0)[0] = 3;
  fixed.row(1)[1] = 4;
  NormalEquations gram(2);
  gram.matrix()[matrix_index(0, 0)] = 9;
  gram.matrix()[matrix_index(1, 1)] = 16;
  CompressedRows ratings;
  ratings.offsets = {0, 1, 2};
  ratings.columns.assign({0, 1});
  const std::vector<float> ridges = {1, 1};
  GramBasis basis(2);
  basis.turn(gram, {ratings, ridges, fixed}, {ratings, ridges, solved}, team);
  EXPECT_FLOAT_EQ(basis.eigenvalues()[0], 16);
  EXPECT_FLOAT_EQ(basis.eigenvalues()[1], 9);
  EXPECT_FLOAT_EQ(std::fabs(fixed.row(1)[0]), 4);
  EXPECT_FLOAT_EQ(std::fabs(fixed.row(0)[1]), 3);
  for (std::size_t row = 0; row < 2; ++row) {
    for (int k = 0; k < 2; ++k) EXPECT_EQ(solved.row(row)[k], 0.0F);
  }
}

// A ridge that has a part of the loss holds down what rounding errors could make long.
TEST(GramBasis, ARidgeHoldsDownWhatIsSingular) {
  GramBasis basis(2);
  basis.note({100.0F, 1.0F}, {1.0F, 1.0F});
  EXPECT_FALSE(basis.singular());
  EXPECT_FALSE(basis.singular(0));
  for (const auto& [eigenvalue, mean_square] : {std::pair(1e-5F, 1.0F), std::pair(1.0F, 1e-7F)}) {
    basis.note({100.0F, eigenvalue}, {1.0F, mean_square});
    EXPECT_TRUE(basis.singular());
    EXPECT_TRUE(basis.singular(0));
    EXPECT_TRUE(basis.singular(0.005F));
    EXPECT_FALSE(basis.singular(0.02F));
  }
}

}  // namespace
}  // namespace als
