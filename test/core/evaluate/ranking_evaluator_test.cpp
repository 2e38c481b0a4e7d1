#include "core/evaluate/ranking_evaluator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "random_model.h"
#include "simd_levels.h"

namespace als {
namespace {

using Items = std::vector<std::uint32_t>;

RelevantRanks ranks_of(const Items& ranks, std::size_t candidates) {
  RelevantRanks relevant;
  relevant.ranks = ranks;
  relevant.candidates = candidates;
  return relevant;
}

TEST(RankingMetrics, ByHand) {
  // Three relevant items; at a cutoff of 4 two of them are found.
  const RankingMetrics metrics(ranks_of({2, 4, 9}, 20), {1, 2, 4, 100});
  EXPECT_DOUBLE_EQ(metrics.mrr, 0.5);
  EXPECT_DOUBLE_EQ(metrics.at[0].precision, 0);
  EXPECT_DOUBLE_EQ(metrics.at[0].hit_rate, 0);
  EXPECT_DOUBLE_EQ(metrics.at[0].ndcg, 0);
  EXPECT_DOUBLE_EQ(metrics.at[1].precision, 1.0 / 2);
  EXPECT_DOUBLE_EQ(metrics.at[1].recall, 1.0 / 2);
  EXPECT_DOUBLE_EQ(metrics.at[1].hit_rate, 1);
  EXPECT_DOUBLE_EQ(metrics.at[1].map, 1.0 / 2 / 2);
  EXPECT_DOUBLE_EQ(metrics.at[2].precision, 2.0 / 4);
  EXPECT_DOUBLE_EQ(metrics.at[2].recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.at[2].map, (1.0 / 2 + 2.0 / 4) / 3);
  EXPECT_DOUBLE_EQ(metrics.at[2].ndcg, (1 / std::log2(3.0) + 1 / std::log2(5.0)) /
                                           (1 + 1 / std::log2(3.0) + 1 / std::log2(4.0)));
  EXPECT_DOUBLE_EQ(metrics.at[3].precision, 3.0 / 100);
  EXPECT_DOUBLE_EQ(metrics.at[3].recall, 1);
  EXPECT_DOUBLE_EQ(metrics.at[3].map, (1.0 / 2 + 2.0 / 4 + 3.0 / 9) / 3);
}

TEST(RankingMetrics, MeanLeavesOutUsersWithoutAuc) {
  RelevantRanks some = ranks_of({1}, 5);
  some.auc = 0.5;
  RankingMetrics sum(1);
  sum.add(RankingMetrics(some, {1}));
  sum.add(RankingMetrics(ranks_of({1, 2}, 2), {1}));
  const RankingMetrics mean = sum.mean();
  EXPECT_EQ(mean.users, 2U);
  EXPECT_EQ(mean.auc_users, 1U);
  EXPECT_DOUBLE_EQ(mean.auc, 0.5);
  EXPECT_DOUBLE_EQ(mean.at[0].recall, 1);
  EXPECT_DOUBLE_EQ(RankingMetrics(1).mean().mrr, 0);
}

/// By its definition.
RelevantRanks sorted_ranks(const Items& candidates, const std::set<std::uint32_t>& relevant,
                           const std::vector<float>& scores) {
  // What is not a number comes last, after an infinite one, too.
  const auto score = [&](std::uint32_t item) {
    constexpr auto kInfinity = std::numeric_limits<double>::infinity();
    if (std::isnan(scores[item])) return -kInfinity;
    return std::isinf(scores[item]) ? std::copysign(1e300, double{scores[item]})
                                    : double{scores[item]};
  };
  Items order = candidates;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return score(a) > score(b) || (score(a) == score(b) && a < b);
  });
  RelevantRanks result = ranks_of({}, candidates.size());
  double pairs = 0;
  double won = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (relevant.count(order[i]) == 0) continue;
    result.ranks.push_back(static_cast<std::uint32_t>(i + 1));
    for (const std::uint32_t other : order) {
      if (relevant.count(other) > 0) continue;
      pairs += 1;
      won += score(order[i]) > score(other) ? 1 : score(order[i]) == score(other) ? 0.5 : 0;
    }
  }
  if (pairs > 0) result.auc = won / pairs;
  return result;
}

TEST(RankCounter, AgreesWithSorting) {
  std::mt19937 random(1);
  RankCounter counter;
  for (int trial = 0; trial < 500; ++trial) {
    const std::uint32_t n = 1 + random() % 40;
    const std::uint32_t values = 1 + random() % 30;
    std::vector<float> scores(n);
    for (float& score : scores) {
      score =
          (static_cast<float>(random() % values) - std::floor(static_cast<float>(values) / 2)) / 4;
      if (score == 0 && random() % 2 == 0) score = -0.0F;
      if (trial % 10 == 0 && random() % 8 == 0) score = std::nanf("");
      if (trial % 10 == 1 && random() % 8 == 0) score = -std::numeric_limits<float>::max();
    }
    Items candidates;
    std::set<std::uint32_t> relevant;
    std::set<std::uint32_t> taken_back;
    for (std::uint32_t item = 0; item < n; ++item) {
      if (random() % 4 == 0) {
        taken_back.insert(item);
        continue;
      }
      candidates.push_back(item);
      if (random() % 3 == 0) relevant.insert(item);
    }
    if (relevant.empty()) continue;
    std::vector<ScoredItem> scored;
    for (const std::uint32_t item : relevant) scored.insert(scored.begin(), {item, scores[item]});
    counter.start(scored);
    for (std::uint32_t item = 0; item < n; ++item) counter.add(item, scores[item]);
    for (const std::uint32_t item : taken_back) counter.remove(item, scores[item]);
    const RelevantRanks found = counter.ranks();
    const RelevantRanks expected = sorted_ranks(candidates, relevant, scores);
    EXPECT_EQ(found.ranks, expected.ranks);
    EXPECT_EQ(found.candidates, expected.candidates);
    EXPECT_NEAR(found.auc, expected.auc, 1e-12);
  }
}

class RankingEvaluatorTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kUsers = 300;
  static constexpr std::size_t kItems = 90;
  static constexpr std::size_t kFactors = 5;

  RankingEvaluatorTest() : users_(kUsers, kFactors), items_(kItems, kFactors) {
    // Few values, so that many scores are equal.
    for (FactorMatrix* matrix : {&users_, &items_}) {
      for (std::size_t r = 0; r < matrix->rows(); ++r) {
        for (std::size_t c = 0; c < kFactors; ++c) {
          matrix->row(r)[c] = static_cast<float>(random_() % 3) - 1;
        }
      }
    }
    for (std::size_t i = 0; i < kItems; ++i) {
      bias_.push_back(static_cast<float>(random_() % 3));
      popularity_.push_back(static_cast<float>(random_() % 20));
    }
    for (std::size_t u = 0; u < kUsers; ++u) {
      RankedUser user;
      user.vector = users_.row(u);
      user.base = static_cast<float>(u % 7);
      user.relevant = some_items(u % 5 == 0 ? 0 : 6);
      user.excluded = some_items(20);
      user.all_items = u % 4 != 0;
      if (!user.all_items) user.candidates = some_items(30);
      user.excluded.insert(user.excluded.end(), user.excluded.begin(), user.excluded.end());
      described_.push_back(user);
    }
    // Nothing but relevant items: no pair for AUC.
    described_[4].candidates.clear();
  }

  Items some_items(std::size_t n) {
    std::set<std::uint32_t> items;
    while (items.size() < n) items.insert(random_() % kItems);
    Items list(items.begin(), items.end());
    std::shuffle(list.begin(), list.end(), random_);
    return list;
  }

  /// The candidates of a user, and the relevant ones among them.
  std::pair<Items, std::set<std::uint32_t>> eligible(const RankedUser& user) const {
    std::set<std::uint32_t> candidates(user.candidates.begin(), user.candidates.end());
    if (user.all_items) {
      for (std::uint32_t i = 0; i < kItems; ++i) candidates.insert(i);
    }
    std::set<std::uint32_t> relevant(user.relevant.begin(), user.relevant.end());
    candidates.insert(relevant.begin(), relevant.end());
    for (const std::uint32_t item : user.excluded) {
      candidates.erase(item);
      relevant.erase(item);
    }
    return {Items(candidates.begin(), candidates.end()), relevant};
  }

  RankingMetrics expected(bool popular) const {
    RankingMetrics sum(kCutoffs.size());
    std::vector<std::set<std::uint32_t>> covered(kCutoffs.size());
    for (const RankedUser& user : described_) {
      const auto [candidates, relevant] = eligible(user);
      if (relevant.empty()) continue;
      std::vector<float> scores = popularity_;
      if (!popular) {
        score_all(items_.view(), bias_.data(), user.base, user.vector, scores.data());
      }
      sum.add(RankingMetrics(sorted_ranks(candidates, relevant, scores), kCutoffs));
      for (std::size_t c = 0; c < kCutoffs.size(); ++c) {
        TopK top(kCutoffs[c]);
        for (const std::uint32_t item : candidates) top.offer(item, scores[item]);
        for (const ScoredItem& best : top.take()) covered[c].insert(best.item);
      }
    }
    RankingMetrics mean = sum.mean();
    for (std::size_t c = 0; c < kCutoffs.size(); ++c) {
      mean.at[c].catalog_coverage = static_cast<double>(covered[c].size()) / kItems;
    }
    return mean;
  }

  /// Adds the users in two parts.
  std::pair<RankingMetrics, RankingMetrics> evaluate(int threads, std::size_t first = 130) const {
    ThreadTeam team(threads);
    RankingEvaluator evaluator(BiasedView(items_.view(), bias_.data()), popularity_.data(),
                               kCutoffs, team);
    evaluator.add(first, [&](std::size_t n, RankedUser& user) { user = described_[n]; });
    evaluator.add(kUsers - first,
                  [&](std::size_t n, RankedUser& user) { user = described_[first + n]; });
    return {evaluator.model(), evaluator.popular()};
  }

  const std::vector<std::uint32_t> kCutoffs{10, 1, 3, 500};
  std::mt19937 random_{7};
  FactorMatrix users_;
  FactorMatrix items_;
  std::vector<float> bias_;
  std::vector<float> popularity_;
  std::vector<RankedUser> described_;
};

void expect_near(const RankingMetrics& found, const RankingMetrics& expected, double tolerance) {
  EXPECT_EQ(found.users, expected.users);
  EXPECT_EQ(found.auc_users, expected.auc_users);
  EXPECT_NEAR(found.mrr, expected.mrr, tolerance);
  EXPECT_NEAR(found.auc, expected.auc, tolerance);
  ASSERT_EQ(found.at.size(), expected.at.size());
  for (std::size_t c = 0; c < found.at.size(); ++c) {
    EXPECT_NEAR(found.at[c].precision, expected.at[c].precision, tolerance);
    EXPECT_NEAR(found.at[c].recall, expected.at[c].recall, tolerance);
    EXPECT_NEAR(found.at[c].hit_rate, expected.at[c].hit_rate, tolerance);
    EXPECT_NEAR(found.at[c].ndcg, expected.at[c].ndcg, tolerance);
    EXPECT_NEAR(found.at[c].map, expected.at[c].map, tolerance);
    EXPECT_EQ(found.at[c].catalog_coverage, expected.at[c].catalog_coverage);
  }
}

TEST_F(RankingEvaluatorTest, AgreesWithSortedLists) {
  const auto [model, popular] = evaluate(1);
  EXPECT_GT(model.users, kUsers / 2);
  EXPECT_LT(model.auc_users, model.users);
  expect_near(model, expected(false), 1e-12);
  expect_near(popular, expected(true), 1e-12);
}

TEST_F(RankingEvaluatorTest, SameBitsWithAnyNumberOfThreads) {
  const auto [model, popular] = evaluate(1);
  for (const int threads : {2, 3, 8}) {
    const auto [again, popular_again] = evaluate(threads);
    expect_near(again, model, 0);
    expect_near(popular_again, popular, 0);
  }
}

TEST_F(RankingEvaluatorTest, SameBitsInAnyParts) {
  const auto [model, popular] = evaluate(2);
  for (const std::size_t first : {0, 1, 77}) {
    const auto [again, popular_again] = evaluate(2, first);
    expect_near(again, model, 0);
    expect_near(popular_again, popular, 0);
  }
}

TEST_F(RankingEvaluatorTest, NobodyToJudge) {
  ThreadTeam team(2);
  RankingEvaluator evaluator(BiasedView(items_.view(), nullptr), popularity_.data(), kCutoffs,
                             team);
  evaluator.add(0, [](std::size_t, RankedUser&) { FAIL(); });
  EXPECT_EQ(evaluator.model().users, 0U);
  EXPECT_EQ(evaluator.model().at[0].catalog_coverage, 0);
}

/// Users of a model with so many items and factors, ranked by the evaluator and by sorting.
void check_against_sorting(const RandomModel& items, const RandomModel& users,
                           std::mt19937_64& random) {
  const std::size_t n = items.rows.rows();
  const auto base_of = [&](std::size_t u) { return users.bias.empty() ? 0.0F : users.bias[u]; };
  std::vector<RankedUser> described(users.rows.rows());
  for (std::size_t u = 0; u < described.size(); ++u) {
    std::set<std::uint32_t> relevant;
    std::set<std::uint32_t> excluded;
    for (std::size_t i = 0; i < 1 + u % 40; ++i)
      relevant.insert(static_cast<std::uint32_t>(random() % n));
    for (std::size_t i = 0; i < u % 60; ++i)
      excluded.insert(static_cast<std::uint32_t>(random() % n));
    described[u].vector = users.rows.row(u);
    described[u].base = base_of(u);
    described[u].relevant.assign(relevant.begin(), relevant.end());
    described[u].excluded.assign(excluded.begin(), excluded.end());
  }
  const std::vector<float> popularity(n, 1.0F);
  const std::vector<std::uint32_t> cutoffs{5, 20};
  at_every_level([&] {
    ThreadTeam team(2);
    RankingEvaluator evaluator(items.view(), popularity.data(), cutoffs, team);
    std::vector<std::optional<RankingMetrics>> found(described.size());
    evaluator.add(
        described.size(), [&](std::size_t u, RankedUser& user) { user = described[u]; },
        [&](std::size_t u, const RankedResult& result) { found[u] = result.model; });
    std::set<std::uint32_t> covered;
    for (std::size_t u = 0; u < described.size(); ++u) {
      const RankedUser& user = described[u];
      std::vector<float> scores(n);
      score_all(items.rows.view(), items.view().bias, base_of(u), user.vector, scores.data());
      std::set<std::uint32_t> relevant(user.relevant.begin(), user.relevant.end());
      std::set<std::uint32_t> candidates;
      for (std::uint32_t i = 0; i < n; ++i) candidates.insert(i);
      for (const std::uint32_t item : user.excluded) {
        relevant.erase(item);
        candidates.erase(item);
      }
      ASSERT_EQ(found[u].has_value(), !relevant.empty());
      if (relevant.empty()) continue;
      TopK top(20);
      for (const std::uint32_t item : candidates) top.offer(item, scores[item]);
      for (const ScoredItem& best : top.take()) covered.insert(best.item);
      const RankingMetrics expected(
          sorted_ranks(Items(candidates.begin(), candidates.end()), relevant, scores), cutoffs);
      ASSERT_EQ(found[u]->mrr, expected.mrr) << u;
      ASSERT_NEAR(found[u]->auc, expected.auc, 1e-12) << u;
      for (std::size_t c = 0; c < cutoffs.size(); ++c) {
        ASSERT_EQ(found[u]->at[c].ndcg, expected.at[c].ndcg) << u;
        ASSERT_EQ(found[u]->at[c].map, expected.at[c].map) << u;
      }
    }
    ASSERT_EQ(evaluator.model().at[1].catalog_coverage,
              static_cast<double>(covered.size()) / static_cast<double>(n));
  });
}

TEST(RankingEvaluator, SpectraOfAnyShape) {
  std::mt19937_64 random(1);
  for (const float decay : {1.0F, 0.8F}) {
    for (const std::size_t factors : {2, 16, 50}) {
      RandomModel items(700, factors, decay, random);
      RandomModel users(48, factors, decay, random);
      check_against_sorting(items, users, random);
      items.add_bias(1, random);
      users.add_bias(3, random);
      check_against_sorting(items, users, random);
    }
  }
}

TEST(RankingEvaluator, ScoresThatAreEqualOrAllBut) {
  std::mt19937_64 random(2);
  RandomModel items(600, 12, 1, random);
  items.make_rows_alike(50, random);
  check_against_sorting(items, RandomModel(40, 12, 1, random), random);
  check_against_sorting(RandomModel(100, 4, 0, random), RandomModel(30, 4, 0, random), random);
}

TEST(RankingEvaluator, ValuesOfAnySize) {
  std::mt19937_64 random(3);
  for (const float size : {1e-40F, 1e-12F, 1e9F, 1e16F, 1e25F}) {
    SCOPED_TRACE(size);
    RandomModel items(200, 6, 0.9F, random);
    for (std::size_t i = 0; i < 200; i += 2) {
      for (std::size_t k = 0; k < 6; ++k) items.rows.row(i)[k] *= size;
    }
    RandomModel users(45, 6, 0.9F, random);
    check_against_sorting(items, users, random);
    items.add_bias(size, random);
    items.bias[7] = std::nanf("");
    items.bias[8] = std::numeric_limits<float>::infinity();
    users.rows.row(3)[2] = std::nanf("");
    users.rows.row(4)[2] = 1e30F;
    check_against_sorting(items, users, random);
  }
}

}  // namespace
}  // namespace als
