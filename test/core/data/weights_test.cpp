// Explicit ratings with weights, from the buffer to folded rows.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/data/duplicates.h"
#include "core/data/group_by_user.h"
#include "core/data/popularity.h"
#include "core/data/rating_statistics.h"
#include "core/data/row_checksum.h"
#include "core/fold_in/folded_row.h"
#include "core/train/trainer.h"
#include "descent.h"
#include "simd_levels.h"
#include "small_problem.h"

namespace als {
namespace {

constexpr std::size_t kUsers = 70;
constexpr std::size_t kItems = 50;

/// From 0.001 to 1000.
std::vector<float> random_weights(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> weights(n);
  for (float& w : weights) {
    w = static_cast<float>(std::pow(10.0, static_cast<double>(random() % 6001) / 1000 - 3));
  }
  return weights;
}

RatingBuffer buffer_of(const std::vector<Entry>& entries, const std::vector<float>& weights) {
  RatingBuffer buffer;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    buffer.append(&entries[e].user, &entries[e].item, &entries[e].value, 1, &weights[e]);
  }
  return buffer;
}

Ratings weighted(const std::vector<Entry>& entries, const std::vector<float>& weights,
                 ThreadTeam& team, OnDuplicate on_duplicate = OnDuplicate::kAverage) {
  return Ratings(buffer_of(entries, weights), identity(kUsers), identity(kItems), on_duplicate,
                 team);
}

std::vector<TrainOptions> kinds_of_options() {
  TrainOptions plain;
  plain.factors = 18;
  TrainOptions biases = plain;
  biases.biases = true;
  biases.bias_regularization = 0.3;
  TrainOptions ridge = biases;
  ridge.reg_exponent = 0.0;
  TrainOptions nonnegative = biases;
  nonnegative.nonnegative = true;
  return {plain, biases, ridge, nonnegative};
}

bool same_bits(const Factors& a, const Factors& b) {
  for (std::size_t row = 0; row < a.matrix.rows(); ++row) {
    if (std::memcmp(a.matrix.row(row), b.matrix.row(row), a.matrix.stride() * sizeof(float)) != 0)
      return false;
  }
  return a.bias == b.bias;
}

// The reference sums w (r - s)^2 over all cells in double precision: the loss is that, it never
// rises, and rows solved exactly are at its minimum.
TEST(Weights, TrainingDescendsOnTheWeightedObjective) {
  at_every_level([] {
    const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 5);
    const std::vector<float> weights = random_weights(entries.size(), 6);
    ThreadTeam team(2);
    const Ratings ratings = weighted(entries, weights, team);
    int kind = 0;
    for (TrainOptions options : kinds_of_options()) {
      SCOPED_TRACE("kind " + std::to_string(kind++));
      for (const Solver solver : {Solver::kDirect, Solver::kConjugateGradients}) {
        options.solver = solver;
        Trainer trainer(ratings, options, keys_of(kItems), team);
        const NaiveObjective objective(entries, kUsers, kItems, options, trainer.mean(), weights);
        ASSERT_NO_FATAL_FAILURE(descend(trainer, objective, 1e-4));
      }
    }
  });
}

TEST(Weights, OfOneAreAsNone) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 7);
  ThreadTeam team(2);
  const Ratings plain = ratings_of(entries, kUsers, kItems, team);
  const Ratings ones = weighted(entries, std::vector<float>(entries.size(), 1.0F), team);
  EXPECT_EQ(ones.mean(), plain.mean());
  EXPECT_EQ(ones.spread(), plain.spread());
  EXPECT_EQ(ones.mean_weight(), 1);
  for (const TrainOptions& options : kinds_of_options()) {
    Trainer a(plain, options, keys_of(kItems), team);
    Trainer b(ones, options, keys_of(kItems), team);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(a.solve_users(), b.solve_users());
      EXPECT_EQ(a.solve_items(), b.solve_items());
    }
    EXPECT_TRUE(same_bits(a.users(), b.users()));
    EXPECT_TRUE(same_bits(a.items(), b.items()));
  }
}

// A weight of 3 is as three such ratings.
TEST(Weights, StandForSoManyRatings) {
  const std::vector<Entry> once{{0, 0, 4}, {0, 1, 2}, {1, 0, 5}};
  ThreadTeam team(1);
  const Ratings ratings = weighted(once, {3, 1, 2}, team);
  EXPECT_NEAR(ratings.mean(), (3 * 4 + 2 + 2 * 5) / 6.0, 1e-12);
  EXPECT_NEAR(ratings.mean_weight(), 2.0, 1e-12);
  const std::vector<RatingTotals> totals = totals_of(ratings.by_item());
  EXPECT_EQ(totals[0].n, 2U);
  EXPECT_EQ(totals[0].weight, 5);
  EXPECT_EQ(totals[0].sum, 22);
  EXPECT_NEAR(damped_mean(totals[0], 3, 5), (22 + 15) / 10.0, 1e-6);
}

TEST(Weights, TheBitsDependOnNeitherThreadsNorOrder) {
  std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.3, 8);
  std::vector<float> weights = random_weights(entries.size(), 9);
  // Some twice, of one value and another weight, or the reverse.
  for (std::size_t e = 0; e < 200; ++e) {
    entries.push_back(entries[e * 3]);
    if (e % 2 == 0) entries.back().value += 1;
    weights.push_back(static_cast<float>(e % 3 + 1));
  }
  ThreadTeam one(1);
  const Ratings expected = weighted(entries, weights, one);
  ASSERT_EQ(expected.duplicates(), 200U);
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(10);
  for (const int threads : {1, 2, 4}) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Entry> shuffled;
    std::vector<float> their_weights;
    for (const std::size_t e : order) {
      shuffled.push_back(entries[e]);
      their_weights.push_back(weights[e]);
    }
    ThreadTeam team(threads);
    const Ratings ratings = weighted(shuffled, their_weights, team);
    EXPECT_EQ(ratings.by_user().values, expected.by_user().values);
    EXPECT_EQ(ratings.by_user().weights, expected.by_user().weights);
    EXPECT_EQ(ratings.by_item().values, expected.by_item().values);
    EXPECT_EQ(ratings.by_item().weights, expected.by_item().weights);
  }
}

TEST(Weights, OfDuplicates) {
  const std::vector<Entry> entries{{0, 0, 4}, {0, 0, 1}, {0, 1, 3}};
  ThreadTeam team(1);
  const Ratings average = weighted(entries, {3, 1, 7}, team);
  EXPECT_EQ(average.by_user().values[0], 3.25F);
  EXPECT_EQ(average.by_user().weights[0], 2.0F);
  EXPECT_EQ(average.by_user().weights[1], 7.0F);
  const Ratings sum = weighted(entries, {3, 1, 7}, team, OnDuplicate::kSum);
  EXPECT_EQ(sum.by_user().values[0], 5.0F);
  EXPECT_EQ(sum.by_user().weights[0], 2.0F);
  EXPECT_THROW(weighted(entries, {3, 1, 7}, team, OnDuplicate::kError), DuplicateRating);
  EXPECT_THROW(weighted({{0, 0, 3e38F}, {0, 0, 3e38F}}, {1, 1}, team, OnDuplicate::kSum),
               std::range_error);
}

TEST(Weights, StayWithWhatIsNotHeldOut) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.3, 11);
  std::vector<float> weights;
  weights.reserve(entries.size());
  for (const Entry& e : entries)
    weights.push_back(static_cast<float>(e.user * kItems + e.item + 1));
  ThreadTeam team(2);
  HoldoutRule rule{0.3, 1, keys_of(kUsers), keys_of(kItems)};
  const Ratings ratings(buffer_of(entries, weights), identity(kUsers), identity(kItems),
                        OnDuplicate::kAverage, team, &rule);
  ASSERT_GT(ratings.held_out().columns.size(), 100U);
  ASSERT_EQ(ratings.by_user().weights.size(), ratings.size());
  for (std::size_t u = 0; u < kUsers; ++u) {
    const RowRatings row = als::ratings_of(ratings.by_user(), u);
    for (std::size_t e = 0; e < row.count; ++e)
      EXPECT_EQ(row.weight(e), static_cast<double>(u * kItems + row.columns[e] + 1));
  }
}

TEST(Weights, FoldInGivesTheTrainedVector) {
  at_every_level([] {
    const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.4, 12);
    const std::vector<float> weights = random_weights(entries.size(), 13);
    ThreadTeam team(2);
    const Ratings ratings = weighted(entries, weights, team);
    const CompressedRows rows = group_by_user(buffer_of(entries, weights), identity(kUsers),
                                              identity(kItems), kUsers, team);
    EXPECT_EQ(rows.weights, ratings.by_user().weights);
    for (const TrainOptions& options : kinds_of_options()) {
      Trainer trainer(ratings, options, keys_of(kItems), team);
      trainer.solve_users();
      trainer.solve_items();
      trainer.finish();
      const RowObjective objective(options, trainer.mean(), kItems);
      for (std::size_t u = 0; u < kUsers; ++u) {
        const FoldedRow row =
            fold_in(objective, als::ratings_of(rows, u), trainer.items(), nullptr, team);
        for (std::size_t k = 0; k < row.vector.size(); ++k)
          ASSERT_NEAR(row.vector[k], trainer.users().matrix.row(u)[k], 1e-3) << u;
      }
    }
  });
}

// However many confidences are next to nothing, those that count say what is a typical one.
TEST(Weights, OfPreferencesHaveASize) {
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < kUsers; ++u) {
    for (std::uint32_t i = 0; i < kItems; ++i) {
      entries.push_back({u, i, i % 10 == 0 ? (i % 20 == 0 ? 2.0F : -2.0F) : 1e-20F});
    }
  }
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  const RatingStatistics statistics = statistics_of(ratings, true, team, true);
  EXPECT_NEAR(statistics.mean_size, 0.2, 1e-6);
  EXPECT_NEAR(statistics.root_mean_square, 2, 1e-6);
}

TEST(Weights, ArePartOfTheChecksum) {
  EXPECT_EQ(rating_checksum(1, 2, 1), rating_checksum(1, 2));
  EXPECT_NE(rating_checksum(1, 2, 3), rating_checksum(1, 2));
  EXPECT_NE(rating_checksum(1, 2, 3), rating_checksum(1, 3, 2));
}

}  // namespace
}  // namespace als
