#include "core/data/holdout.h"
#include "core/evaluate/holdout_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "small_problem.h"

namespace als {
namespace {

using UserItem = std::pair<std::uint32_t, std::uint32_t>;

std::map<UserItem, float> cells_of(const CompressedRows& rows) {
  std::map<UserItem, float> cells;
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    for (std::uint64_t e = rows.offsets[row]; e < rows.offsets[row + 1]; ++e) {
      cells[{row, rows.columns[e]}] = rows.values[e];
    }
  }
  return cells;
}

HoldoutRule rule_of(double share, std::uint64_t seed, std::size_t users, std::size_t items) {
  return {share, seed, keys_of(users), keys_of(items)};
}

Ratings split(const std::vector<Entry>& entries, std::size_t users, std::size_t items,
              const HoldoutRule& rule, ThreadTeam& team) {
  RatingBuffer buffer;
  for (const Entry& e : entries) buffer.append(e.user, e.item, e.value);
  return Ratings(std::move(buffer), identity(users), identity(items), OnDuplicate::kAverage, team,
                 &rule);
}

// What is kept and what is kept out make up all ratings, on both sides, the share is met in whole,
// and every user keeps something.
TEST(Holdout, SplitsTheRatings) {
  const std::size_t users = 500;
  const std::size_t items = 90;
  std::vector<Entry> entries = random_ratings(users, items, 0.1, 3);
  std::mt19937_64 random(4);
  ThreadTeam one(1);
  const std::map<UserItem, float> all = cells_of(ratings_of(entries, users, items, one).by_user());
  for (const double share : {0.03, 0.1, 0.5, 0.95}) {
    const HoldoutRule rule = rule_of(share, 7, users, items);
    const Ratings ratings = split(entries, users, items, rule, one);
    std::map<UserItem, float> kept = cells_of(ratings.by_user());
    const std::map<UserItem, float> held = cells_of(ratings.held_out());
    std::map<UserItem, float> turned;
    for (const auto& [cell, value] : cells_of(ratings.by_item())) {
      turned[{cell.second, cell.first}] = value;
    }
    EXPECT_EQ(turned, kept);
    EXPECT_EQ(ratings.held_out().rows(), users);
    EXPECT_NEAR(static_cast<double>(held.size()), share * static_cast<double>(all.size()),
                0.1 * static_cast<double>(all.size()) * share + 20);
    double sum = 0;
    for (const auto& [cell, value] : kept) sum += value;
    EXPECT_NEAR(ratings.mean(), sum / static_cast<double>(kept.size()), 1e-9);
    std::set<std::uint32_t> kept_users;
    for (const auto& [cell, value] : kept) kept_users.insert(cell.first);
    for (const auto& [cell, value] : all) EXPECT_EQ(kept_users.count(cell.first), 1U);
    kept.insert(held.begin(), held.end());
    EXPECT_EQ(kept, all);

    // The same whatever the order, and others with another seed.
    std::shuffle(entries.begin(), entries.end(), random);
    ThreadTeam two(2);
    EXPECT_EQ(cells_of(split(entries, users, items, rule, two).held_out()), held);
    EXPECT_NE(
        cells_of(split(entries, users, items, rule_of(share, 8, users, items), two).held_out()),
        held);
  }
}

TEST(Holdout, OfNothingIsNothing) {
  ThreadTeam team(1);
  const Ratings ratings = split({}, 0, 0, rule_of(0.5, 1, 0, 0), team);
  EXPECT_EQ(ratings.held_out().columns.size(), 0U);
  const Factors none{FactorMatrix(0, 4), {}};
  EXPECT_EQ(rmse(ratings.held_out(), none, none, 0, team), 0);
  EXPECT_EQ(ranking_at(10, ratings.held_out(), ratings.by_user(), {}, none, none, team).recall, 0);
}

Factors random_factors(std::size_t rows, std::size_t n, bool biases, std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  Factors factors{FactorMatrix(rows, n), std::vector<float>(biases ? rows : 0)};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < n; ++k) factors.matrix.row(r)[k] = uniform(random);
    if (biases) factors.bias[r] = uniform(random);
  }
  return factors;
}

double score(const Factors& users, const Factors& items, std::size_t u, std::size_t i) {
  double sum = users.bias.empty() ? 0.0 : static_cast<double>(users.bias[u]) + items.bias[i];
  for (std::size_t k = 0; k < users.matrix.cols(); ++k) {
    sum += static_cast<double>(users.matrix.row(u)[k]) * items.matrix.row(i)[k];
  }
  return sum;
}

TEST(Holdout, RootMeanSquareError) {
  std::mt19937_64 random(5);
  ThreadTeam team(2);
  const Ratings ratings =
      split(random_ratings(300, 40, 0.3, 6), 300, 40, rule_of(0.2, 1, 300, 40), team);
  for (const bool biases : {false, true}) {
    const Factors users = random_factors(300, 9, biases, random);
    const Factors items = random_factors(40, 9, biases, random);
    double squares = 0;
    const std::map<UserItem, float> held = cells_of(ratings.held_out());
    for (const auto& [cell, value] : held) {
      const double error = value - 2.5 - score(users, items, cell.first, cell.second);
      squares += error * error;
    }
    EXPECT_NEAR(rmse(ratings.held_out(), users, items, 2.5, team),
                std::sqrt(squares / static_cast<double>(held.size())), 1e-5);
  }
}

TEST(Holdout, RecallAgainstAFullSort) {
  std::mt19937_64 random(7);
  ThreadTeam team(2);
  const std::size_t users = 200;
  const std::size_t items = 60;
  const Ratings ratings = split(random_ratings(users, items, 0.4, 8), users, items,
                                rule_of(0.3, 1, users, items), team);
  const Factors x = random_factors(users, 8, false, random);
  const Factors y = random_factors(items, 8, false, random);
  const std::map<UserItem, float> held = cells_of(ratings.held_out());
  const std::map<UserItem, float> seen = cells_of(ratings.by_user());
  double recalls = 0;
  double evaluated = 0;
  for (std::uint32_t u = 0; u < users; ++u) {
    std::vector<std::pair<double, std::uint32_t>> ranked;
    std::size_t wanted = 0;
    for (std::uint32_t i = 0; i < items; ++i) {
      if (seen.count({u, i}) == 0) ranked.emplace_back(-score(x, y, u, i), i);
      wanted += held.count({u, i}) == 1 && held.at({u, i}) > 0 ? 1 : 0;
    }
    if (wanted == 0) continue;
    std::sort(ranked.begin(), ranked.end());
    double hits = 0;
    for (std::size_t n = 0; n < 10 && n < ranked.size(); ++n) {
      const auto found = held.find({u, ranked[n].second});
      hits += found != held.end() && found->second > 0 ? 1 : 0;
    }
    recalls += hits / static_cast<double>(std::min<std::size_t>(10, wanted));
    evaluated += 1;
  }
  EXPECT_NEAR(
      ranking_at(10, ratings.held_out(), ratings.by_user(), keys_of(users), x, y, team).recall,
      recalls / evaluated, 1e-9);
}

/// The ranks of what is kept out of a row, by their definition: what has been seen stands behind
/// all else, and those kept out behind others of the same score, but not behind each other.
RelevantRanks ranks_by_definition(const std::map<UserItem, float>& held,
                                  const std::map<UserItem, float>& seen, const Factors& x,
                                  const Factors& y, std::uint32_t user, std::size_t cutoff) {
  const auto items = static_cast<std::uint32_t>(y.matrix.rows());
  const auto is_wanted = [&](std::uint32_t item) {
    const auto found = held.find({user, item});
    return found != held.end() && found->second > 0;
  };
  const auto worth = [&](std::uint32_t item) {
    return seen.count({user, item}) > 0 ? -1e30 : score(x, y, user, item);
  };
  RelevantRanks result;
  for (std::uint32_t item = 0; item < items; ++item) {
    if (!is_wanted(item)) continue;
    std::size_t before = 0;
    for (std::uint32_t other = 0; other < items; ++other) {
      before += worth(other) > worth(item) || (worth(other) == worth(item) && !is_wanted(other));
    }
    result.ranks.push_back(static_cast<std::uint32_t>(std::min(before, cutoff) + 1));
  }
  std::sort(result.ranks.begin(), result.ranks.end());
  return result;
}

// Few values, so that many scores are equal, of few and of many items; rows of a test of their own
// are kept out, which may have been seen as well.
TEST(Holdout, RankingsByDefinition) {
  std::mt19937_64 random(10);
  const std::size_t users = 150;
  const std::vector<std::uint64_t> keys = keys_of(users);
  for (const std::size_t items : {7, 60, 300}) {
    for (const float values : {1.0F, 8.0F}) {
      ThreadTeam team(2);
      const Ratings training = split(random_ratings(users, items, 0.4, 11), users, items,
                                     rule_of(0, 1, users, items), team);
      const Ratings test = split(random_ratings(users, items, 0.2, 12), users, items,
                                 rule_of(0, 1, users, items), team);
      Factors x = random_factors(users, 3, false, random);
      Factors y = random_factors(items, 3, false, random);
      for (Factors* side : {&x, &y}) {
        for (std::size_t r = 0; r < side->matrix.rows(); ++r) {
          for (std::size_t k = 0; k < 3; ++k)
            side->matrix.row(r)[k] = std::round(values * side->matrix.row(r)[k]);
        }
      }
      const std::map<UserItem, float> held = cells_of(test.by_user());
      const std::map<UserItem, float> seen = cells_of(training.by_user());
      for (const std::uint32_t cutoff : {1U, 10U}) {
        RankingMetrics sum(1);
        for (std::uint32_t u = 0; u < users; ++u) {
          if (!can_be_judged(test.by_user(), u)) continue;
          sum.add(RankingMetrics(ranks_by_definition(held, seen, x, y, u, cutoff), {cutoff}));
        }
        ASSERT_GT(sum.users, 30U);
        const RankingMetrics::AtCutoff expected = sum.mean().at[0];
        for (const int threads : {1, 3}) {
          ThreadTeam other(threads);
          const RankingMetrics::AtCutoff found =
              ranking_at(cutoff, test.by_user(), training.by_user(), keys, x, y, other);
          EXPECT_EQ(found.recall, expected.recall);
          EXPECT_EQ(found.precision, expected.precision);
          EXPECT_EQ(found.hit_rate, expected.hit_rate);
          EXPECT_EQ(found.ndcg, expected.ndcg);
          EXPECT_EQ(found.map, expected.map);
        }
      }
    }
  }
}

// Where all scores are equal nothing is found, however the items are numbered.
TEST(Holdout, TiesCountAgainstTheModel) {
  ThreadTeam team(1);
  const std::size_t items = 40;
  const Ratings ratings =
      split(random_ratings(50, items, 0.5, 9), 50, items, rule_of(0.2, 1, 50, items), team);
  const Factors x{FactorMatrix(50, 3), {}};
  const Factors y{FactorMatrix(items, 3), {}};
  EXPECT_EQ(ranking_at(10, ratings.held_out(), ratings.by_user(), keys_of(50), x, y, team).recall,
            0);
}

}  // namespace
}  // namespace als
