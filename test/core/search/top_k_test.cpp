#include "core/search/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/linalg/products.h"
#include "simd_levels.h"

namespace als {
namespace {

TEST(Dot, MatchesDoublePrecision) {
  at_every_level([] {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (std::size_t n = 0; n <= 200; ++n) {
      for (const std::size_t offset : {0, 1, 3}) {  // any alignment
        std::vector<float> a(n + offset);
        std::vector<float> b(n + offset);
        double expected = 0;
        double magnitude = 0;
        for (std::size_t k = offset; k < n + offset; ++k) {
          a[k] = uniform(random);
          b[k] = uniform(random);
          expected += static_cast<double>(a[k]) * b[k];
          magnitude += std::fabs(static_cast<double>(a[k]) * b[k]);
        }
        const double bound = static_cast<double>(n + 1) / (1 << 24) * magnitude;
        ASSERT_NEAR(dot(a.data() + offset, b.data() + offset, n), expected, bound) << n;
      }
    }
  });
}

TEST(ScoreAll, HasTheBitsOfDot) {
  at_every_level([] {
    std::mt19937_64 random(2);
    std::normal_distribution<float> normal;
    for (const std::size_t factors : {1, 3, 4, 7, 8, 12, 16, 17, 31, 48, 64, 65, 100, 127, 1024}) {
      FactorMatrix items(37, factors);
      std::vector<float> bias(37);
      for (std::size_t i = 0; i < items.rows(); ++i) {
        bias[i] = normal(random);
        for (std::size_t k = 0; k < factors; ++k) items.row(i)[k] = normal(random);
      }
      std::vector<float> user(factors);
      for (float& value : user) value = normal(random);
      std::vector<float> scores(items.rows());
      score_all(items.view(), bias.data(), 0.25F, user.data(), scores.data());
      for (std::size_t i = 0; i < items.rows(); ++i) {
        ASSERT_EQ(scores[i], (0.25F + bias[i]) + dot(user.data(), items.row(i), factors))
            << factors;
      }
      score_all(items.view(), nullptr, 0.0F, user.data(), scores.data());
      for (std::size_t i = 0; i < items.rows(); ++i) {
        ASSERT_EQ(scores[i], dot(items.row(i), user.data(), factors)) << factors;
      }
    }
    const std::vector<float> user(5);
    score_all(FactorMatrix(0, 5).view(), nullptr, 0.0F, user.data(), nullptr);
  });
}

TEST(TopK, MatchesASort) {
  std::mt19937_64 random(3);
  for (const std::size_t n : {0, 1, 5, 100, 1000}) {
    for (const std::size_t k : {0, 1, 2, 10, 100, 2000}) {
      std::vector<ScoredItem> all;
      for (std::uint32_t i = 0; i < n; ++i) {
        all.push_back({i, static_cast<float>(random() % 30)});  // many ties
      }
      std::shuffle(all.begin(), all.end(), random);
      TopK top(k);
      for (const ScoredItem& scored : all) top.offer(scored.item, scored.score);
      std::sort(all.begin(), all.end(), [](const ScoredItem& a, const ScoredItem& b) {
        return a.score != b.score ? a.score > b.score : a.item < b.item;
      });
      all.resize(std::min(n, k));
      const std::vector<ScoredItem> best = top.take();
      ASSERT_EQ(best.size(), all.size());
      for (std::size_t i = 0; i < best.size(); ++i) {
        ASSERT_EQ(best[i].item, all[i].item);
        ASSERT_EQ(best[i].score, all[i].score);
      }
      EXPECT_TRUE(top.take().empty());
    }
  }
}

TEST(TopK, KeepsInfinitiesButNotWhatIsNotANumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  TopK top(2);
  top.offer(0, std::numeric_limits<float>::quiet_NaN());
  top.offer(1, -infinity);
  top.offer(2, std::numeric_limits<float>::quiet_NaN());
  top.offer(3, infinity);
  top.offer(4, std::numeric_limits<float>::quiet_NaN());
  const std::vector<ScoredItem> best = top.take();
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].item, 3U);
  EXPECT_EQ(best[1].item, 1U);
}

}  // namespace
}  // namespace als
