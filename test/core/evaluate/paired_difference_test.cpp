// Differences of two models, against values worked out by hand and against drawing users anew.
#include "core/evaluate/paired_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace als {
namespace {

TEST(PairedDifference, OfMeansIsThatOfTheTextbook) {
  // Differences 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, standard error 0.1 / sqrt(3).
  const PairedDifference result = difference_of_means({0.5, 0.1, 0.3}, {0.6, 0.3, 0.6}, 0.95);
  EXPECT_NEAR(result.a, 0.3, 1e-12);
  EXPECT_NEAR(result.b, 0.5, 1e-12);
  EXPECT_NEAR(result.difference, 0.2, 1e-12);
  EXPECT_NEAR(result.high - result.difference, 1.959963984540054 * 0.1 / std::sqrt(3.0), 1e-9);
  EXPECT_NEAR(result.difference - result.low, result.high - result.difference, 1e-12);
  EXPECT_EQ(result.users, 3U);
}

TEST(PairedDifference, OfEqualModelsIsNothing) {
  const std::vector<UserErrors> errors{{4, 3}, {1, 2}, {9, 5}};
  const PairedDifference result = difference_of_errors(errors, errors, true, 0.9);
  EXPECT_EQ(result.difference, 0);
  EXPECT_EQ(result.low, 0);
  EXPECT_EQ(result.high, 0);
  EXPECT_NEAR(result.a, std::sqrt(1.4), 1e-12);
}

TEST(PairedDifference, OfOneUserHasNoInterval) {
  EXPECT_TRUE(std::isnan(difference_of_means({1}, {2}, 0.95).low));
}

TEST(PairedDifference, OfErrorsIsAsWideAsDrawingUsersAnewMakesIt) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<UserErrors> a;
  std::vector<UserErrors> b;
  for (int u = 0; u < 400; ++u) {
    const double n = 1 + static_cast<double>(random() % 20);
    const double level = std::exp(0.5 * normal(random));
    a.push_back({n * level, n});
    b.push_back({n * level * (0.95 + 0.1 * std::fabs(normal(random))), n});
  }
  const PairedDifference result = difference_of_errors(a, b, true, 0.95);
  std::vector<double> drawn;
  for (int draw = 0; draw < 4000; ++draw) {
    double sums[3] = {};
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t u = random() % a.size();
      sums[0] += a[u].sum;
      sums[1] += b[u].sum;
      sums[2] += a[u].n;
    }
    drawn.push_back(std::sqrt(sums[1] / sums[2]) - std::sqrt(sums[0] / sums[2]));
  }
  std::sort(drawn.begin(), drawn.end());
  const double width = drawn[3900] - drawn[100];
  EXPECT_NEAR((result.high - result.low) / width, 1, 0.1);
  EXPECT_NEAR(result.low, drawn[100], 0.1 * width);
}

}  // namespace
}  // namespace als
