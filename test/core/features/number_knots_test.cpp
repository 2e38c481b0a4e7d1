// Knots of numbers, and the hats over them.
#include "core/features/number_knots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

namespace als {
namespace {

using Values = std::vector<double>;

Values counted(std::size_t n) {
  Values values(n);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(Knots, AreTheMediansOfPartsAsEqualAsCanBe) {
  const Values knots = knots_of(counted(320));
  ASSERT_EQ(knots.size(), kMostKnots);
  for (std::size_t k = 0; k < knots.size(); ++k) EXPECT_EQ(knots[k], 20.0 * k + 10);
}

TEST(Knots, DoNotDependOnTheOrderOfValues) {
  Values values = counted(1000);
  for (double& value : values) value = value * value;
  values.insert(values.end(), {0.0, -0.0, -0.0, 0.0});
  const Values knots = knots_of(values);
  std::mt19937_64 random(3);
  std::shuffle(values.begin(), values.end(), random);
  EXPECT_EQ(knots_of(values), knots);
  EXPECT_TRUE(std::is_sorted(knots.begin(), knots.end()));
}

TEST(Knots, AreOnesWhereManyValuesAre) {
  Values values(200, 7.0);
  for (int i = 0; i < 100; ++i) values.push_back(100 + i);
  const Values knots = knots_of(values);
  EXPECT_EQ(knots.front(), 7);
  EXPECT_GT(knots[1], 100);
  EXPECT_LT(knots.size(), kMostKnots);
}

TEST(Knots, AreFewerWhereValuesAre) {
  EXPECT_EQ(knots_of(counted(48)), Values({8, 24, 40}));
  EXPECT_TRUE(knots_of(counted(47)).empty());  // two parts: a line
  EXPECT_TRUE(knots_of({}).empty());
  EXPECT_TRUE(knots_of({1}).empty());
  EXPECT_TRUE(knots_of(Values(100, 4.0)).empty());
  Values few;
  for (int i = 0; i < 300; ++i) few.push_back(i % 5);
  EXPECT_EQ(knots_of(few), Values({0, 1, 2, 3, 4}));
}

TEST(Knots, AreNotBetweenValuesThatDifferByRounding) {
  Values values;
  for (int i = 0; i < 300; ++i) values.push_back(0.1 * (1 + (i % 3) * 1e-15));
  EXPECT_TRUE(knots_of(values).empty());
}

TEST(Hats, AreThoseOfTheKnotsAroundAValue) {
  const Values knots{1, 2, 4};
  const auto expect = [&](double value, std::size_t first, double of_first, double of_next) {
    const Hats hats = hats_at(knots, value);
    EXPECT_EQ(hats.first, first) << value;
    EXPECT_DOUBLE_EQ(hats.of_first, of_first) << value;
    EXPECT_DOUBLE_EQ(hats.of_next, of_next) << value;
  };
  expect(-100, 0, 1, 0);
  expect(1, 0, 1, 0);
  expect(1.25, 0, 0.75, 0.25);
  expect(2, 1, 1, 0);
  expect(3.5, 1, 0.25, 0.75);
  expect(4, 2, 1, 0);
  expect(1e300, 2, 1, 0);
}

TEST(Hats, MakeALineOfTheKnotsThemselves) {
  const Values knots{-3, 0, 0.5, 8};
  for (double value = -3; value <= 8; value += 0.01) {
    const Hats hats = hats_at(knots, value);
    double sum = hats.of_first * knots[hats.first];
    if (hats.of_next > 0) sum += hats.of_next * knots[hats.first + 1];
    EXPECT_NEAR(sum, value, 1e-12);
    EXPECT_NEAR(hats.of_first + hats.of_next, 1, 1e-15);
  }
}

TEST(Hats, AreFiniteForAllNumbers) {
  constexpr double kMost = std::numeric_limits<double>::max();
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  const Values knots{-kMost, -kLeast, 0, kLeast, kMost};
  for (const double value : {-kMost, -1e308, -1.0, -kLeast, 0.0, kLeast, 1.0, 1e308, kMost}) {
    const Hats hats = hats_at(knots, value);
    EXPECT_GE(hats.of_first, 0) << value;
    EXPECT_GE(hats.of_next, 0) << value;
    EXPECT_NEAR(hats.of_first + hats.of_next, 1, 1e-15) << value;
  }
  EXPECT_DOUBLE_EQ(hats_at({-kMost, kMost}, 0).of_next, 0.5);
}

}  // namespace
}  // namespace als
