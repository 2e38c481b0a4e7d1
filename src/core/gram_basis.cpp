#include "core/gram_basis.h"

#include <algorithm>
#include <stdexcept>

// Eigen would start threads of its own, which would not have signals blocked.
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Eigenvalues>

namespace als {
namespace {

constexpr std::size_t kMultiplyAddsABlock = std::size_t{1} << 24;  // some milliseconds
constexpr std::size_t kRowsABlock = 4096;

Eigen::MatrixXd dense(const NormalEquations& gram, std::size_t factors) {
  const auto n = static_cast<Eigen::Index>(factors);
  Eigen::MatrixXd matrix(n, n);
  for (Eigen::Index c = 0; c < n; ++c) {
    for (Eigen::Index r = c; r < n; ++r) {
      matrix(r, c) = gram.at(static_cast<std::size_t>(r), static_cast<std::size_t>(c));
    }
  }
  return matrix;
}

/// A rotation as Kernels::transform takes it, its columns in the opposite order.
AlignedVector<float> in_blocks(const Eigen::MatrixXd& rotation) {
  const auto n = static_cast<std::size_t>(rotation.rows());
  AlignedVector<float> blocks(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      blocks[(c / kBlock * n + r) * kBlock + c % kBlock] = static_cast<float>(
          rotation(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(n - 1 - c)));
    }
  }
  return blocks;
}

void rotate(FactorMatrix& matrix, const AlignedVector<float>& rotation, ThreadTeam& team) {
  const std::size_t n = matrix.cols();
  team.for_each_block(matrix.rows(), kMultiplyAddsABlock / (n * n) + 1,
                      [&](std::size_t begin, std::size_t end, int) {
                        kernels().transform(matrix.row(begin), end - begin, matrix.stride(), n,
                                            rotation.data());
                      });
}

}  // namespace

void GramBasis::turn(NormalEquations& gram, const CompressedRows& fixed_ratings, Factors& fixed,
                     Factors& solved, ThreadTeam& team) {
  const std::size_t n = fixed.matrix.cols();
  const Eigen::MatrixXd matrix = dense(gram, n);
  if (!matrix.triangularView<Eigen::Lower>().toDenseMatrix().allFinite()) {
    throw std::range_error("the ratings are too large for factors in single precision");
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(matrix);
  if (eigen.info() != Eigen::Success) throw std::runtime_error("no eigenvectors were found");
  gram.clear();
  for (std::size_t k = 0; k < n; ++k) {
    // Rounding can take an eigenvalue that is zero below it.
    eigenvalues_[k] = static_cast<float>(
        std::max(eigen.eigenvalues()(static_cast<Eigen::Index>(n - 1 - k)), 0.0));
    gram.matrix()[matrix_index(k, k)] = eigenvalues_[k];
  }
  const AlignedVector<float> rotation = in_blocks(eigen.eigenvectors());
  rotate(fixed.matrix, rotation, team);
  rotate(solved.matrix, rotation, team);
  sum_squares(fixed_ratings, fixed.matrix, team);
}

void GramBasis::sum_squares(const CompressedRows& ratings, const FactorMatrix& fixed,
                            ThreadTeam& team) {
  // Blocks apart and then together, always the same ones.
  const std::size_t n = fixed.cols();
  std::vector<double> sums((ratings.rows() / kRowsABlock + 1) * n, 0.0);
  team.for_each_block(ratings.rows(), kRowsABlock, [&](std::size_t begin, std::size_t end, int) {
    double* sum = sums.data() + begin / kRowsABlock * n;
    for (std::size_t row = begin; row < end; ++row) {
      const auto weight = static_cast<double>(ratings.row_size(row));
      const float* y = fixed.row(row);
      for (std::size_t k = 0; k < n; ++k) sum[k] += weight * y[k] * y[k];
    }
  });
  const auto count = static_cast<double>(std::max<std::size_t>(ratings.columns.size(), 1));
  for (std::size_t k = 0; k < n; ++k) {
    double sum = 0;
    for (std::size_t at = k; at < sums.size(); at += n) sum += sums[at];
    mean_squares_[k] = static_cast<float>(sum / count);
  }
}

}  // namespace als
