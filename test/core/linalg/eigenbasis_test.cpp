#include "core/linalg/eigenbasis.h"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "core/kernels/kernels.h"

namespace als {
namespace {

std::vector<float> in_layout(const Eigen::MatrixXf& matrix) {
  const auto n = static_cast<std::size_t>(matrix.rows());
  std::vector<float> gram(matrix_floats(n), 0.0F);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      gram[matrix_index(r, c)] = matrix(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c));
    }
  }
  return gram;
}

/// Y^T Y with eigenvalues over many orders of magnitude; of no higher rank than Y has rows.
Eigen::MatrixXf gram_matrix(Eigen::Index rows, Eigen::Index n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::normal_distribution<float> normal;
  Eigen::MatrixXf y(rows, n);
  for (Eigen::Index i = 0; i < y.size(); ++i) y.data()[i] = normal(random);
  for (Eigen::Index k = 0; k < n; ++k) y.col(k) *= std::exp(-static_cast<float>(k) / 10);
  return y.transpose() * y;
}

void expect_eigenvectors(const Eigen::MatrixXf& matrix) {
  const auto n = static_cast<std::size_t>(matrix.rows());
  SCOPED_TRACE(n);
  ThreadTeam team(2);
  const std::optional<Eigenbasis> basis = eigenbasis(in_layout(matrix).data(), n, team);
  ASSERT_TRUE(basis);
  Eigen::MatrixXd q(matrix.rows(), matrix.rows());
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      q(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) = basis->component(r, c);
    }
  }
  const Eigen::Map<const Eigen::VectorXd> values(basis->eigenvalues.data(), matrix.rows());
  EXPECT_TRUE(std::is_sorted(basis->eigenvalues.rbegin(), basis->eigenvalues.rend()));
  EXPECT_LT((q.transpose() * q - Eigen::MatrixXd::Identity(matrix.rows(), matrix.rows())).norm(),
            1e-6 * std::sqrt(static_cast<double>(n)));
  EXPECT_LE((matrix.cast<double>() * q - q * values.asDiagonal()).norm(),
            1e-6 * matrix.cast<double>().norm());
}

TEST(Eigenbasis, DiagonalizesGramMatrices) {
  for (const Eigen::Index n : {1, 2, 3, 7, 8, 9, 16, 33, 64, 100}) {
    expect_eigenvectors(gram_matrix(n + 5, n));
    expect_eigenvectors(gram_matrix(n / 2, n));  // of half the rank
  }
}

TEST(Eigenbasis, DiagonalizesOddMatrices) {
  const Eigen::Index n = 20;
  expect_eigenvectors(Eigen::MatrixXf::Zero(n, n));
  expect_eigenvectors(Eigen::MatrixXf::Identity(n, n));
  expect_eigenvectors(Eigen::MatrixXf::Ones(n, n));
  expect_eigenvectors(1e30F * gram_matrix(n, n));
  expect_eigenvectors(1e-30F * gram_matrix(n, n));
  Eigen::MatrixXf blocks = Eigen::MatrixXf::Identity(n, n);
  blocks(n / 2, n / 2 - 1) = blocks(n / 2 - 1, n / 2) = 1;
  expect_eigenvectors(blocks);
}

TEST(Eigenbasis, DoesNotDependOnThreads) {
  const std::size_t n = 70;
  const std::vector<float> gram = in_layout(gram_matrix(n, n));
  ThreadTeam alone(1);
  ThreadTeam team(4);
  const std::optional<Eigenbasis> expected = eigenbasis(gram.data(), n, alone);
  const std::optional<Eigenbasis> basis = eigenbasis(gram.data(), n, team);
  EXPECT_EQ(basis->eigenvalues, expected->eigenvalues);
  EXPECT_EQ(basis->rotation, expected->rotation);
}

TEST(Eigenbasis, HasNoneOfWhatIsNotFinite) {
  ThreadTeam team(1);
  Eigen::MatrixXf matrix = gram_matrix(5, 5);
  matrix(3, 1) = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(eigenbasis(in_layout(matrix).data(), 5, team));
  matrix(3, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(eigenbasis(in_layout(matrix).data(), 5, team));
}

TEST(Eigenbasis, CanBeInterruptedAtEveryStep) {
  const std::size_t n = 256;
  const std::vector<float> gram = in_layout(gram_matrix(n, n));
  int steps = 0;
  const auto count_steps = [&](int last) {
    steps = 0;
    ThreadTeam team(
        1, [&] { return ++steps == last; }, [] { throw std::runtime_error("interrupted"); });
    eigenbasis(gram.data(), n, team);
  };
  count_steps(0);
  const int all = steps;
  EXPECT_GT(all, 30);
  for (int step = 1; step < all; step += 5) {
    EXPECT_THROW(count_steps(step), std::runtime_error);
    EXPECT_EQ(steps, step);
  }
}

}  // namespace
}  // namespace als
