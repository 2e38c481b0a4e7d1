#include "core/search/batch_recommender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/linalg/products.h"
#include "random_model.h"
#include "simd_levels.h"

namespace als {
namespace {

FactorMatrix random_factors(std::size_t rows, std::size_t cols, std::mt19937& random) {
  // Few values, so that many scores are equal.
  FactorMatrix matrix(rows, cols);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) matrix.row(r)[c] = static_cast<float>(random() % 3) - 1;
  }
  return matrix;
}

class BatchRecommenderTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kUsers = 150;
  static constexpr std::size_t kItems = 130;
  static constexpr std::size_t kFactors = 5;

  BatchRecommenderTest()
      : users_(random_factors(kUsers, kFactors, random_)),
        items_(random_factors(kItems, kFactors, random_)),
        seen_(kUsers, kItems, std::size_t{1} << 20, [] {}),
        seen_sets_(kUsers) {
    for (std::size_t i = 0; i < kItems; ++i) bias_.push_back(static_cast<float>(random_() % 4));
    seen_.restart(0);
    for (int n = 0; n < 4000; ++n) {
      const std::uint32_t user = random_() % kUsers;
      see(user, random_() % kItems);
      if (user < 3) see(user, random_() % kItems);
    }
    for (std::uint32_t item = 0; item < kItems; ++item) see(7, item);
  }

  void see(std::uint32_t user, std::uint32_t item) {
    seen_.add(&user, &item, 1);
    seen_sets_[user].insert(item);
  }

  BiasedView items() const { return {items_.view(), bias_.data()}; }

  BatchRecommender::Query query(std::size_t user) const {
    return {users_.row(user), static_cast<float>(user)};
  }

  void check(std::size_t begin, std::size_t end, std::size_t k, bool exclude_seen, int threads) {
    ThreadTeam team(threads);
    BatchRecommender recommender(items(), k, team);
    std::vector<std::uint32_t> users;
    for (std::size_t user = begin; user < end; ++user)
      users.push_back(static_cast<std::uint32_t>(user));
    const std::vector<Recommendation> rows = recommender.recommend(
        users.data(), users.size(), [this](std::size_t user) { return query(user); },
        exclude_seen ? &seen_ : nullptr);
    std::size_t row = 0;
    std::vector<float> scores(kItems);
    for (std::size_t user = begin; user < end; ++user) {
      score_all(items_.view(), bias_.data(), query(user).base, query(user).vector, scores.data());
      TopK top(k);
      for (std::uint32_t i = 0; i < kItems; ++i) {
        if (!exclude_seen || seen_sets_[user].count(i) == 0) top.offer(i, scores[i]);
      }
      std::int32_t rank = 0;
      for (const ScoredItem& expected : top.take()) {
        ASSERT_LT(row, rows.size());
        EXPECT_EQ(rows[row].user, user);
        EXPECT_EQ(rows[row].item, expected.item);
        EXPECT_EQ(rows[row].score, expected.score);
        EXPECT_EQ(rows[row].rank, ++rank);
        ++row;
      }
    }
    EXPECT_EQ(row, rows.size());
  }

  std::mt19937 random_{1};
  FactorMatrix users_;
  FactorMatrix items_;
  std::vector<float> bias_;
  SeenLists seen_;
  std::vector<std::set<std::uint32_t>> seen_sets_;
};

TEST_F(BatchRecommenderTest, FindsWhatASearchForEachUserFinds) {
  for (const int threads : {1, 3}) {
    for (const std::size_t k : {0, 1, 10, 129, 1000}) {
      check(0, kUsers, k, true, threads);
      check(0, kUsers, k, false, threads);
      check(31, 77, k, true, threads);
      check(9, 9, k, true, threads);
    }
  }
}

TEST_F(BatchRecommenderTest, ChoosesFromSomeItemsForSomeUsers) {
  ThreadTeam team(3);
  const std::vector<std::uint32_t> few{4, 77, 9, 120, 31};
  Bitmap excluded(kItems);
  excluded.set_all();
  for (const std::uint32_t item : few) excluded.clear(item);
  const std::vector<std::uint32_t> users{9, 140, 3};
  BatchRecommender recommender(items(), 4, team, &excluded);
  // Twice: nothing of one batch is left for the next.
  for (int round = 0; round < 2; ++round) {
    const std::vector<Recommendation> rows = recommender.recommend(
        users.data(), users.size(), [this](std::size_t user) { return query(user); }, &seen_);
    std::size_t row = 0;
    for (const std::uint32_t user : users) {
      std::vector<float> scores(kItems);
      score_all(items_.view(), bias_.data(), query(user).base, query(user).vector, scores.data());
      TopK top(4);
      for (const std::uint32_t item : few)
        if (seen_sets_[user].count(item) == 0) top.offer(item, scores[item]);
      for (const ScoredItem& expected : top.take()) {
        ASSERT_LT(row, rows.size());
        EXPECT_EQ(rows[row].user, user);
        EXPECT_EQ(rows[row].item, expected.item);
        EXPECT_EQ(rows[row].score, expected.score);
        ++row;
      }
    }
    EXPECT_EQ(row, rows.size());
  }
}

TEST_F(BatchRecommenderTest, BatchesAreBoundedInRows) {
  ThreadTeam team(2);
  BatchRecommender one(items(), 1, team);
  BatchRecommender all(items(), SIZE_MAX, team);
  EXPECT_GT(one.batch_users(), all.batch_users());
  EXPECT_LE(all.batch_users() * kItems, std::size_t{1} << 16);
  EXPECT_GE(all.batch_users(), 32U);
  EXPECT_GT(all.memory(10), one.memory(10));
}

TEST_F(BatchRecommenderTest, CanBeInterrupted) {
  bool stop = false;
  ThreadTeam team(
      2, [&] { return stop; }, [] { throw std::runtime_error("stop"); });
  BatchRecommender recommender(items(), 3, team);
  stop = true;
  const std::vector<std::uint32_t> users(kUsers);
  EXPECT_THROW(recommender.recommend(
                   users.data(), kUsers, [this](std::size_t user) { return query(user); }, &seen_),
               std::runtime_error);
}

// Models of any kind, at every level of instructions, with what users have seen: what scoring all
// items finds, to the bit.
void check_against_all_scores(const RandomModel& items, const RandomModel& users,
                              const std::vector<std::size_t>& ks, std::mt19937_64& random) {
  const std::size_t n = items.rows.rows();
  const std::size_t n_users = users.rows.rows();
  SeenLists seen(n_users, n, std::size_t{1} << 20, [] {});
  seen.restart(0);
  std::vector<std::set<std::uint32_t>> sets(n_users);
  for (std::size_t pair = 0; pair < n_users * n / 5; ++pair) {
    const auto user = static_cast<std::uint32_t>(random() % n_users);
    const auto item = static_cast<std::uint32_t>(random() % n);
    seen.add(&user, &item, 1);
    sets[user].insert(item);
  }
  std::vector<std::uint32_t> list(n_users);
  std::iota(list.begin(), list.end(), 0U);
  const auto query_of = [&](std::size_t user) {
    return BatchRecommender::Query{users.rows.row(user),
                                   users.bias.empty() ? 0.0F : users.bias[user]};
  };
  at_every_level([&] {
    ThreadTeam team(2);
    for (const std::size_t k : ks) {
      BatchRecommender recommender(items.view(), k, team);
      const std::vector<Recommendation> rows =
          recommender.recommend(list.data(), list.size(), query_of, &seen);
      std::size_t row = 0;
      std::vector<float> scores(n);
      for (std::size_t user = 0; user < n_users; ++user) {
        score_all(items.rows.view(), items.view().bias, query_of(user).base, query_of(user).vector,
                  scores.data());
        TopK top(k);
        for (std::uint32_t item = 0; item < n; ++item)
          if (sets[user].count(item) == 0) top.offer(item, scores[item]);
        for (const ScoredItem& expected : top.take()) {
          ASSERT_LT(row, rows.size());
          ASSERT_EQ(rows[row].user, user);
          ASSERT_EQ(rows[row].item, expected.item) << user;
          ASSERT_EQ(rows[row].score, expected.score) << user;
          ++row;
        }
      }
      ASSERT_EQ(row, rows.size());
    }
  });
}

TEST(BatchRecommender, SpectraOfAnyShape) {
  std::mt19937_64 random(1);
  for (const float decay : {1.0F, 0.9F}) {
    for (const std::size_t factors : {1, 3, 16, 65}) {
      SCOPED_TRACE(std::to_string(factors) + " factors, decay " + std::to_string(decay));
      RandomModel items(700, factors, decay, random);
      RandomModel users(40, factors, decay, random);
      check_against_all_scores(items, users, {1, 10, 100}, random);
      items.add_bias(1, random);
      users.add_bias(2, random);
      check_against_all_scores(items, users, {10, 10000}, random);
    }
  }
}

// Many scores alike, so that indexes decide, and some that all but are.
TEST(BatchRecommender, ScoresThatAreEqual) {
  std::mt19937_64 random(2);
  RandomModel items(1000, 24, 1, random);
  items.make_rows_alike(100, random);
  check_against_all_scores(items, RandomModel(30, 24, 1, random), {1, 10, 50}, random);
  check_against_all_scores(RandomModel(200, 4, 0, random), RandomModel(20, 4, 0, random), {10},
                           random);
}

TEST(BatchRecommender, SizesOfAnyKind) {
  std::mt19937_64 random(3);
  for (const float size : {1e-44F, 1e-30F, 1e-10F, 1e10F, 1e16F, 1e30F}) {
    for (const float user_size : {1e-40F, 1e-8F, 1.0F, 1e14F, 1e30F}) {
      SCOPED_TRACE(std::to_string(size) + " and " + std::to_string(user_size));
      RandomModel items(150, 9, 0.9F, random);
      for (std::size_t i = 0; i < 150; i += 2) {
        for (std::size_t k = 0; k < 9; ++k) items.rows.row(i)[k] *= size;
      }
      RandomModel users(10, 9, 0.9F, random);
      users.scale(user_size);
      check_against_all_scores(items, users, {5}, random);
      items.add_bias(size, random);
      users.add_bias(user_size, random);
      check_against_all_scores(items, users, {5}, random);
    }
  }
}

TEST(BatchRecommender, ValuesThatAreNotFinite) {
  std::mt19937_64 random(4);
  const float odd[] = {std::nanf(""), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  RandomModel items(300, 8, 1, random);
  RandomModel users(20, 8, 1, random);
  items.add_bias(1, random);
  users.add_bias(1, random);
  for (std::size_t n = 0; n < 30; ++n) {
    items.rows.row(random() % 300)[random() % 8] = odd[n % 3];
    items.bias[random() % 300] = odd[n % 3];
    if (n % 5 == 0) users.rows.row(random() % 20)[random() % 8] = odd[n / 5 % 3];
    if (n % 6 == 0) users.bias[random() % 20] = odd[n / 6 % 3];
  }
  check_against_all_scores(items, users, {1, 10, 400}, random);
}

}  // namespace
}  // namespace als
