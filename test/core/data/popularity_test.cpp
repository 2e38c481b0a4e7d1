#include "core/data/popularity.h"

#include <gtest/gtest.h>

#include <random>

namespace als {
namespace {

RatingTotals totals(std::initializer_list<double> ratings) {
  RatingTotals result;
  for (double rating : ratings) result.add(rating);
  return result;
}

TEST(Popularity, CountsWhatIsAboveZero) {
  CompressedRows rows;
  rows.offsets = {0, 3, 3, 5};
  for (std::uint32_t c : {0, 1, 2, 0, 1}) rows.columns.push_back(c);
  for (float v : {1.0F, 0.0F, -2.0F, 3.0F, 0.5F}) rows.values.push_back(v);
  const std::vector<RatingTotals> items = totals_of(rows);
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].n, 3U);
  EXPECT_EQ(items[0].positive, 1U);
  EXPECT_EQ(items[0].sum, -1);
  EXPECT_EQ(items[0].squares, 5);
  EXPECT_EQ(items[1].n, 0U);
  EXPECT_EQ(items[2].positive, 2U);
}

// By hand: means 2, 4 and 6 of two ratings each, a variance of 2 within each. The mean square
// between them is 8, so the true means vary by (8 - 2) / 2 = 3.
TEST(Popularity, DampsByTheVariancesOfTheData) {
  const std::vector<RatingTotals> items{totals({1, 3}), totals({3, 5}), totals({5, 7})};
  EXPECT_NEAR(damping(items), 2.0 / 3, 1e-12);
  EXPECT_NEAR(damped_mean(items[2], 4, 2), (12 + 8) / 4.0, 1e-6);
  EXPECT_NEAR(damped_mean(totals({}), 4, 2), 4, 1e-6);
}

TEST(Popularity, FindsTheDampingThatMadeTheData) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<RatingTotals> items(3000);
  for (RatingTotals& item : items) {
    const double mean = 3 + 0.5 * normal(random);
    for (unsigned n = 1 + random() % 40; n > 0; --n) item.add(mean + normal(random));
  }
  EXPECT_NEAR(damping(items), 4, 0.4);
}

TEST(Popularity, ItemsThatDoNotDifferAreAllTheMean) {
  const std::vector<RatingTotals> items{totals({1, 5}), totals({5, 1, 3})};
  EXPECT_EQ(damping(items), 5);
  EXPECT_EQ(damping({}), 0);
  EXPECT_EQ(damping({totals({4})}), 1);
  EXPECT_EQ(damping({totals({4}), totals({5})}), 2);
  EXPECT_EQ(damped_mean({}, 3, 0), 3);
}

}  // namespace
}  // namespace als
