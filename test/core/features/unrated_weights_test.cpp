// Weights of features for rows without ratings: against their definition.
#include "core/features/unrated_weights.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <random>
#include <stdexcept>

namespace als {
namespace {

constexpr std::size_t kFactors = 5;

FactorMatrix random_rows(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  FactorMatrix rows(n, kFactors);
  for (std::size_t row = 0; row < n; ++row)
    for (std::size_t k = 0; k < kFactors; ++k)
      rows.row(row)[k] = static_cast<float>(random() % 1000) / 500 - 1;
  return rows;
}

Eigen::MatrixXd dense(const FactorMatrix& rows) {
  Eigen::MatrixXd result(rows.rows(), kFactors);
  for (std::size_t row = 0; row < rows.rows(); ++row)
    for (std::size_t k = 0; k < kFactors; ++k)
      result(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(k)) = rows.row(row)[k];
  return result;
}

Factors computed(std::size_t users, std::size_t features, double shrinkage, double ridge,
                 int threads) {
  ThreadTeam team(threads);
  return unrated_weights({random_rows(features, 2), {}}, random_rows(users, 1).view(), shrinkage,
                         ridge, team);
}

/// From the definition: where half the gradient, s X^T X y + r (y - c), is zero.
Eigen::MatrixXd expected(const FactorMatrix& users, const Eigen::MatrixXd& c, double shrinkage,
                         double ridge) {
  const Eigen::MatrixXd x = dense(users);
  const Eigen::MatrixXd matrix =
      shrinkage * x.transpose() * x + ridge * Eigen::MatrixXd::Identity(kFactors, kFactors);
  return ridge * c * matrix.inverse();
}

TEST(UnratedWeights, MakeTheSumOfProductsAndDistanceLeast) {
  const Eigen::MatrixXd c = dense(random_rows(150, 2));
  for (const double shrinkage : {0.001, 1.0, 1000.0})
    for (const double ridge : {0.01, 40.0}) {
      const Eigen::MatrixXd y = dense(computed(300, 150, shrinkage, ridge, 2).matrix);
      EXPECT_LT((y - expected(random_rows(300, 1), c, shrinkage, ridge)).cwiseAbs().maxCoeff(),
                1e-5)
          << shrinkage << " " << ridge;
    }
}

TEST(UnratedWeights, AreWholeWhereTheOtherSideHasNothing) {
  // With fewer rows than factors there are directions in which all products are zero: there what
  // features say stays, however large s is.
  FactorMatrix users(2, kFactors);
  users.row(0)[0] = 1e3F;
  users.row(1)[2] = 2e3F;
  ThreadTeam team(1);
  const FactorMatrix c = random_rows(3, 2);
  const Factors y = unrated_weights({c, {}}, users.view(), 1000, 1e-6, team);
  for (std::size_t f = 0; f < 3; ++f)
    for (std::size_t k = 0; k < kFactors; ++k)
      EXPECT_NEAR(y.matrix.row(f)[k], k == 0 || k == 2 ? 0 : c.row(f)[k], 1e-5);
  EXPECT_LT((dense(computed(0, 3, 1, 1, 1).matrix) - dense(c)).cwiseAbs().maxCoeff(), 1e-6);
}

TEST(UnratedWeights, RefuseVectorsWhoseProductsAreBeyondSinglePrecision) {
  FactorMatrix users(1, kFactors);
  users.row(0)[0] = 1e30F;
  ThreadTeam team(1);
  EXPECT_THROW(unrated_weights({random_rows(3, 2), {}}, users.view(), 1, 1, team),
               std::range_error);
}

TEST(UnratedWeights, AreTheSameForAnyNumberOfThreads) {
  const Eigen::MatrixXd one = dense(computed(5000, 500, 1, 2, 1).matrix);
  for (const int threads : {2, 5}) EXPECT_EQ(dense(computed(5000, 500, 1, 2, threads).matrix), one);
}

}  // namespace
}  // namespace als
