// Weights of features for rows without ratings: against their definition.
#include "core/features/unrated_weights.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <random>

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

TEST(UnratedWeights, MakeTheSumOfProductsAndDistanceLeast) {
  const Eigen::MatrixXd x = dense(random_rows(300, 1));
  const Eigen::MatrixXd c = dense(random_rows(150, 2));
  for (const double shrinkage : {0.001, 1.0, 1000.0}) {
    for (const double ridge : {0.01, 40.0}) {
      const Eigen::MatrixXd y = dense(computed(300, 150, shrinkage, ridge, 2).matrix);
      // Half the gradient: s X^T X y + r (y - c).
      const Eigen::MatrixXd gradient = shrinkage * y * (x.transpose() * x) + ridge * (y - c);
      EXPECT_LT(gradient.cwiseAbs().maxCoeff(), 1e-5 * ridge) << shrinkage << " " << ridge;
    }
  }
}

TEST(UnratedWeights, StayWithoutRowsOfTheOtherSide) {
  const Eigen::MatrixXd c = dense(random_rows(3, 2));
  EXPECT_EQ(dense(computed(0, 3, 1, 1, 1).matrix), c);
}

TEST(UnratedWeights, AreTheSameForAnyNumberOfThreads) {
  const Eigen::MatrixXd one = dense(computed(5000, 500, 1, 2, 1).matrix);
  for (const int threads : {2, 5}) EXPECT_EQ(dense(computed(5000, 500, 1, 2, threads).matrix), one);
}

}  // namespace
}  // namespace als
