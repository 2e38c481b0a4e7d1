// What the defaults go by: sizes of ratings, and how items belong together.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/data/rating_statistics.h"
#include "small_problem.h"

namespace als {
namespace {

RatingStatistics statistics(const std::vector<Entry>& entries, std::size_t users, std::size_t items,
                            int threads = 1) {
  ThreadTeam team(threads);
  return statistics_of(ratings_of(entries, users, items, team), true, team);
}

/// Users with items of one of `groups` groups, or of any; `share` of them.
std::vector<Entry> grouped(std::uint32_t users, std::uint32_t items, std::uint32_t groups,
                           double share, float value) {
  std::mt19937_64 random(1);
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < users; ++u) {
    for (std::uint32_t i = 0; i < items; ++i) {
      if (i % groups != u % groups) continue;
      if (static_cast<double>(random() % 1000) < 1000 * share) entries.push_back({u, i, value});
    }
  }
  return entries;
}

TEST(RatingStatistics, SizesOfCounts) {
  // Logarithms of 0 and of ln 100: their mean is ln 10, their variance its square.
  const RatingStatistics counts = statistics({{0, 0, 1}, {0, 1, 100}}, 1, 2);
  const double variance = std::min(std::pow(std::log(10.0), 2), 4.0);
  EXPECT_NEAR(counts.mean_size, 10 * std::exp(variance / 2), 1e-4);
  EXPECT_NEAR(counts.root_mean_square, 10 * std::exp(variance), 1e-3);
  EXPECT_DOUBLE_EQ(counts.ratings, 2);
  EXPECT_DOUBLE_EQ(counts.ratings_per_user, 2);
  EXPECT_DOUBLE_EQ(counts.ratings_per_item, 1);
  const RatingStatistics clicks = statistics({{0, 0, 1}, {1, 1, 1}}, 2, 2);
  EXPECT_DOUBLE_EQ(clicks.mean_size, 1);
  EXPECT_DOUBLE_EQ(clicks.root_mean_square, 1);
  const RatingStatistics negative = statistics({{0, 0, -3}, {1, 1, 3}}, 2, 2);
  EXPECT_NEAR(negative.mean_size, 3, 1e-12);
}

// One count beyond all others changes next to nothing.
TEST(RatingStatistics, OneHugeCountIsNoMeasure) {
  std::vector<Entry> entries = grouped(100, 50, 1, 0.4, 2);
  entries.front().value = 1e6F;
  const RatingStatistics found = statistics(entries, 100, 50);
  EXPECT_NEAR(found.root_mean_square, 2, 0.3);
}

TEST(RatingStatistics, ZerosAreNoRatings) {
  std::vector<Entry> entries = grouped(100, 50, 5, 0.5, 1);
  const RatingStatistics without = statistics(entries, 101, 50);
  for (std::uint32_t i = 0; i < 50; ++i) entries.push_back({100, i, 0});
  const RatingStatistics with = statistics(entries, 101, 50);
  EXPECT_DOUBLE_EQ(with.lift, without.lift);
  EXPECT_DOUBLE_EQ(with.ratings, without.ratings);
  EXPECT_DOUBLE_EQ(with.ratings_per_user, without.ratings_per_user);
  EXPECT_DOUBLE_EQ(with.ratings_per_item, without.ratings_per_item);
  EXPECT_DOUBLE_EQ(with.mean_size, without.mean_size);
}

// Items that anybody has are together in users as often as by chance; those of one of ten groups
// ten times as often, in all of the data and in a part of it.
TEST(RatingStatistics, LiftOfGroups) {
  EXPECT_NEAR(statistics(grouped(500, 200, 1, 0.1, 1), 500, 200).lift, 1, 0.1);
  EXPECT_NEAR(statistics(grouped(500, 200, 10, 0.5, 1), 500, 200).lift, 10, 1.2);
  EXPECT_NEAR(statistics(grouped(500, 200, 10, 0.25, 1), 500, 200).lift, 10, 1.5);
}

TEST(RatingStatistics, AreTheSameForAnyThreads) {
  const std::vector<Entry> entries = grouped(500, 200, 10, 0.5, 1);
  EXPECT_EQ(statistics(entries, 500, 200, 1).lift, statistics(entries, 500, 200, 2).lift);
}

TEST(RatingStatistics, OfNextToNothing) {
  for (const std::vector<Entry>& entries :
       {std::vector<Entry>{}, std::vector<Entry>{{0, 0, 1}}, std::vector<Entry>{{0, 0, 0}},
        std::vector<Entry>{{0, 0, 1}, {1, 0, 1}}, std::vector<Entry>{{0, 0, 1}, {0, 1, 1}}}) {
    const RatingStatistics found = statistics(entries, 2, 2);
    EXPECT_EQ(found.lift, 1);
    EXPECT_EQ(found.mean_size, 1);
  }
}

}  // namespace
}  // namespace als
