#include "core/search/diversity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/data/seen_lists.h"
#include "core/linalg/products.h"
#include "core/search/batch_recommender.h"
#include "scored_items.h"

namespace als {
namespace {

constexpr std::size_t kItems = 300;
constexpr std::size_t kFactors = 12;

FactorMatrix random_items() {
  FactorMatrix items(kItems, kFactors);
  for (std::size_t i = 0; i < kItems; ++i) {
    for (std::size_t k = 0; k < kFactors; ++k)
      items.row(i)[k] = static_cast<float>(std::sin(static_cast<double>(i * 31 + k * 17 + i * k)));
  }
  return items;
}

std::vector<ScoredItem> head_for(const FactorMatrix& items, const float* query, std::size_t n) {
  TopK top(n);
  for (std::uint32_t i = 0; i < kItems; ++i) top.offer(i, dot(query, items.row(i), kFactors));
  return top.take();
}

/// By the definition: all cosines anew for each place.
std::vector<std::uint32_t> expected(const std::vector<ScoredItem>& head, std::size_t k,
                                    double share, const FactorMatrix& items) {
  std::vector<std::uint32_t> list;
  while (list.size() < k) {
    double best = -INFINITY;
    std::uint32_t next = 0;
    for (const ScoredItem& candidate : head) {
      if (std::find(list.begin(), list.end(), candidate.item) != list.end()) continue;
      double nearest = list.empty() ? 0 : -1;
      for (const std::uint32_t other : list)
        nearest = std::max<double>(nearest,
                                   cosine(items.row(other), items.row(candidate.item), kFactors));
      const double relevance = (static_cast<double>(candidate.score) - head.back().score) /
                               (static_cast<double>(head.front().score) - head.back().score);
      const double worth = list.empty() ? relevance : (1 - share) * relevance - share * nearest;
      if (worth > best) {
        best = worth;
        next = candidate.item;
      }
    }
    list.push_back(next);
  }
  return list;
}

TEST(Diversity, IsMaximalMarginalRelevance) {
  const FactorMatrix items = random_items();
  for (std::size_t query = 0; query < 20; ++query) {
    const std::vector<ScoredItem> head = head_for(items, items.row(query * 7), 100);
    for (const double share : {0.1, 0.5, 0.9, 1.0}) {
      const Diversity diversity{share};
      ASSERT_EQ(diversity.head(10), 100U);
      const std::vector<ScoredItem> list = diversity.choose(head, 10, items.view());
      EXPECT_EQ(items_of(list), expected(head, 10, share, items)) << query << " " << share;
      for (const ScoredItem& scored : list)
        EXPECT_EQ(scored.score, dot(items.row(query * 7), items.row(scored.item), kFactors));
    }
  }
}

TEST(Diversity, OfNothingChangesNothing) {
  const FactorMatrix items = random_items();
  const std::vector<ScoredItem> head = head_for(items, items.row(3), 10);
  EXPECT_EQ(Diversity{}.head(10), 10U);
  EXPECT_EQ(items_of(Diversity{}.choose(head, 10, items.view())), items_of(head));
}

TEST(Diversity, OfShortListsAndEqualScores) {
  FactorMatrix items(3, kFactors);
  items.row(0)[0] = items.row(1)[0] = items.row(2)[1] = 1;
  const std::vector<ScoredItem> head{{0, 2}, {1, 2}, {2, 2}};
  const Diversity half{0.5};
  EXPECT_TRUE(half.choose({}, 10, items.view()).empty());
  EXPECT_TRUE(half.choose(head, 0, items.view()).empty());
  EXPECT_EQ(items_of(half.choose(head, 10, items.view())), (std::vector<std::uint32_t>{0, 2, 1}));
  EXPECT_EQ(half.head(SIZE_MAX / 2), SIZE_MAX / 2);
}

TEST(Diversity, IsOfTheFirstPlaces) {
  constexpr std::size_t kMany = 8000;
  FactorMatrix items(kMany, 2);
  std::vector<ScoredItem> head;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    items.row(i)[0] = std::cos(static_cast<float>(i));
    items.row(i)[1] = std::sin(static_cast<float>(i));
    head.push_back({i, static_cast<float>(kMany - i)});
  }
  const Diversity half{0.5};
  EXPECT_EQ(half.head(600), 5000U);
  EXPECT_EQ(half.head(7000), 7000U);
  const std::vector<std::uint32_t> list = items_of(half.choose(head, 7000, items.view()));
  ASSERT_EQ(list.size(), 7000U);
  EXPECT_FALSE(std::is_sorted(list.begin(), list.begin() + Diversity::kPlaces));
  EXPECT_TRUE(std::is_sorted(list.begin() + Diversity::kPlaces, list.end()));
  std::vector<std::uint32_t> sorted = list;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
}

TEST(Diversity, OfManyUsersIsThatOfEach) {
  const FactorMatrix items = random_items();
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    const Diversity diversity{0.4};
    BatchRecommender recommender(BiasedView(items.view(), nullptr), 7, team, nullptr, diversity);
    std::vector<std::uint32_t> users(50);
    for (std::uint32_t u = 0; u < users.size(); ++u) users[u] = u;
    const std::vector<Recommendation> rows = recommender.recommend(
        users.data(), users.size(),
        [&](std::size_t u) {
          return BatchRecommender::Query{items.row(u), 0};
        },
        nullptr);
    ASSERT_EQ(rows.size(), 350U);
    for (std::uint32_t u = 0; u < users.size(); ++u) {
      const std::vector<std::uint32_t> list =
          expected(head_for(items, items.row(u), 70), 7, 0.4, items);
      for (std::size_t r = 0; r < 7; ++r) {
        EXPECT_EQ(rows[u * 7 + r].item, list[r]);
        EXPECT_EQ(rows[u * 7 + r].rank, static_cast<std::int32_t>(r) + 1);
      }
    }
  }
}

}  // namespace
}  // namespace als
