#include "core/evaluate/prediction_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/linalg/products.h"
#include "core/search/top_k.h"

namespace als {
namespace {

class PredictionEvaluatorTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kUsers = 500;
  static constexpr std::size_t kItems = 30;
  static constexpr std::size_t kFactors = 4;

  PredictionEvaluatorTest() : users_(kUsers, kFactors), items_(kItems, kFactors) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (FactorMatrix* matrix : {&users_, &items_}) {
      for (std::size_t r = 0; r < matrix->rows(); ++r) {
        for (std::size_t c = 0; c < kFactors; ++c) matrix->row(r)[c] = normal(random);
      }
    }
    for (std::size_t i = 0; i < kItems; ++i) {
      bias_.push_back(normal(random));
      means_.push_back(normal(random));
    }
    offsets_.push_back(0);
    for (std::size_t u = 0; u < kUsers; ++u) {
      for (std::uint32_t i = 0; i < u % 5; ++i) {
        columns_.push_back(random() % kItems);
        ratings_.push_back(3 + normal(random));
      }
      offsets_.push_back(columns_.size());
    }
  }

  PredictionEvaluator::User user(std::size_t u) const {
    return {users_.row(u),
            static_cast<float>(u % 3),
            {columns_.data() + offsets_[u], ratings_.data() + offsets_[u],
             offsets_[u + 1] - offsets_[u]}};
  }

  PredictionSums evaluate(int threads, std::size_t first = 200) const {
    ThreadTeam team(threads);
    PredictionEvaluator evaluator(BiasedView(items_.view(), bias_.data()), means_, 3.1, team);
    evaluator.add(first, [&](std::size_t n) { return user(n); });
    evaluator.add(kUsers - first, [&](std::size_t n) { return user(first + n); });
    return evaluator.sums();
  }

  FactorMatrix users_;
  FactorMatrix items_;
  std::vector<float> bias_;
  std::vector<double> means_;
  std::vector<std::size_t> offsets_;
  std::vector<std::uint32_t> columns_;
  std::vector<float> ratings_;
};

TEST_F(PredictionEvaluatorTest, ByDefinition) {
  const double n = static_cast<double>(ratings_.size());
  double mean = 0;
  for (const float rating : ratings_) mean += rating / n;
  double squares = 0;
  double absolutes = 0;
  double mean_squares = 0;
  double spread = 0;
  for (std::size_t u = 0; u < kUsers; ++u) {
    for (std::size_t e = offsets_[u]; e < offsets_[u + 1]; ++e) {
      const std::uint32_t item = columns_[e];
      const double error =
          static_cast<double>(ratings_[e]) - ((static_cast<float>(u % 3) + bias_[item]) +
                                              dot(users_.row(u), items_.row(item), kFactors));
      squares += error * error;
      absolutes += std::fabs(error);
      mean_squares += std::pow(ratings_[e] - means_[item], 2);
      spread += std::pow(ratings_[e] - mean, 2);
    }
  }
  const PredictionSums found = evaluate(1);
  EXPECT_EQ(found.model.n(), ratings_.size());
  EXPECT_NEAR(found.model.rmse(), std::sqrt(squares / n), 1e-9);
  EXPECT_NEAR(found.model.mae(), absolutes / n, 1e-9);
  EXPECT_NEAR(found.means.rmse(), std::sqrt(mean_squares / n), 1e-9);
  ASSERT_TRUE(found.has_r2());
  EXPECT_NEAR(found.r2(found.model), 1 - squares / spread, 1e-9);
  EXPECT_NEAR(found.r2(found.means), 1 - mean_squares / spread, 1e-9);
}

TEST_F(PredictionEvaluatorTest, SameBitsWithAnyNumberOfThreads) {
  const PredictionSums one = evaluate(1);
  for (const int threads : {2, 5}) {
    const PredictionSums found = evaluate(threads);
    EXPECT_EQ(found.model.rmse(), one.model.rmse());
    EXPECT_EQ(found.model.mae(), one.model.mae());
    EXPECT_EQ(found.r2(found.means), one.r2(one.means));
  }
}

TEST_F(PredictionEvaluatorTest, SameBitsInAnyParts) {
  const PredictionSums two = evaluate(2);
  for (const std::size_t first : {0, 1, 77}) {
    const PredictionSums found = evaluate(2, first);
    EXPECT_EQ(found.model.rmse(), two.model.rmse());
    EXPECT_EQ(found.model.mae(), two.model.mae());
    EXPECT_EQ(found.r2(found.means), two.r2(two.means));
  }
}

TEST_F(PredictionEvaluatorTest, NoR2WithoutSpread) {
  std::fill(ratings_.begin(), ratings_.end(), 4.7F);
  EXPECT_FALSE(evaluate(2).has_r2());
}

}  // namespace
}  // namespace als
