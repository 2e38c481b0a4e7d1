#include "core/search/batch_recommender.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/linalg/products.h"

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
    TopKSearch::build(items_.view(), bias_.data(), image_.data(), [] {});
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

  BatchRecommender::Query query(std::size_t user) const {
    return {users_.row(user), static_cast<float>(user)};
  }

  void check(std::size_t begin, std::size_t end, std::size_t k, bool exclude_seen, int threads) {
    ThreadTeam team(threads);
    const TopKSearch search(image_.data(), items_.view(), bias_.data());
    BatchRecommender recommender(search, k, team);
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
  AlignedVector<char> image_ = AlignedVector<char>(TopKSearch::bytes(kItems, kFactors));
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
  const TopKSearch search(image_.data(), items_.view(), bias_.data());
  const std::vector<std::uint32_t> few{4, 77, 9, 120, 31};
  Bitmap excluded(kItems);
  excluded.set_all();
  for (const std::uint32_t item : few) excluded.clear(item);
  const std::vector<std::uint32_t> users{9, 140, 3};
  for (const bool look_at_each : {false, true}) {
    BatchRecommender recommender(search, 4, team, {&excluded, look_at_each ? &few : nullptr});
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
}

TEST_F(BatchRecommenderTest, BatchesAreBoundedInRows) {
  ThreadTeam team(2);
  const TopKSearch search(image_.data(), items_.view(), bias_.data());
  BatchRecommender one(search, 1, team);
  BatchRecommender all(search, SIZE_MAX, team);
  EXPECT_GT(one.batch_users(), all.batch_users());
  EXPECT_LE(all.batch_users() * kItems, std::size_t{1} << 16);
  EXPECT_GE(all.batch_users(), 32U);
  EXPECT_GT(all.memory(10), one.memory(10));
}

TEST_F(BatchRecommenderTest, CanBeInterrupted) {
  ThreadTeam team(
      2, [] { return true; }, [] { throw std::runtime_error("stop"); });
  const TopKSearch search(image_.data(), items_.view(), bias_.data());
  BatchRecommender recommender(search, 3, team);
  const std::vector<std::uint32_t> users(kUsers);
  EXPECT_THROW(recommender.recommend(
                   users.data(), kUsers, [this](std::size_t user) { return query(user); }, &seen_),
               std::runtime_error);
}

}  // namespace
}  // namespace als
