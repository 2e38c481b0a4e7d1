#include "core/linalg/principal_axes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace als {
namespace {

/// Points around a centre that spread by 3 along one direction, by 1 along another, and little
/// else.
FactorMatrix ellipse(std::size_t rows, std::size_t cols) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  FactorMatrix matrix(rows, cols);
  for (std::size_t r = 0; r < rows; ++r) {
    const float a = 3 * normal(random);
    const float b = normal(random);
    for (std::size_t k = 0; k < cols; ++k) matrix.row(r)[k] = 5 + 0.01F * normal(random);
    matrix.row(r)[0] += 0.6F * a + 0.8F * b;
    matrix.row(r)[cols - 1] += 0.8F * a - 0.6F * b;
  }
  return matrix;
}

TEST(PrincipalAxes, AreTheDirectionsOfMostVariance) {
  ThreadTeam team(2);
  for (std::size_t cols : {2U, 17U, 64U}) {
    FactorMatrix matrix = ellipse(3000, cols);
    const auto axes = principal_axes(matrix, team);
    ASSERT_TRUE(axes);
    EXPECT_NEAR(axes->axes[0][0], 0.6, 0.02);
    EXPECT_NEAR(axes->axes[0][cols - 1], 0.8, 0.02);
    EXPECT_NEAR(axes->axes[1][0], 0.8, 0.02);
    EXPECT_NEAR(axes->axes[1][cols - 1], -0.6, 0.02);
    EXPECT_NEAR(axes->variance_shares[0], 0.9, 0.02);
    EXPECT_NEAR(axes->variance_shares[1], 0.1, 0.02);
    std::vector<float> point = axes->centre;
    point[0] += 0.6F;
    point[cols - 1] += 0.8F;
    EXPECT_NEAR(axes->place(point.data(), 0), 1, 0.01);
    EXPECT_NEAR(axes->place(point.data(), 1), 0, 0.03);
  }
}

TEST(PrincipalAxes, OfOneComponentOrOneRow) {
  ThreadTeam team(1);
  FactorMatrix one(1, 1);
  one.row(0)[0] = 2;
  const auto axes = principal_axes(one, team);
  ASSERT_TRUE(axes);
  const float there = 2;
  EXPECT_EQ(axes->place(&there, 0), 0);
  EXPECT_EQ(axes->place(&there, 1), 0);
  EXPECT_EQ(axes->variance_shares[0], 0);
}

TEST(PrincipalAxes, NoneOfWhatIsNotFinite) {
  ThreadTeam team(1);
  FactorMatrix matrix = ellipse(10, 3);
  matrix.row(4)[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(principal_axes(matrix, team));
}

}  // namespace
}  // namespace als
