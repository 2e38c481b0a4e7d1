#include "core/eigenbasis.h"

#include <iterator>
#include <stdexcept>

#include "core/kernels.h"

// Eigen would start threads of its own, which would not have signals blocked.
#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Eigenvalues>

namespace als {
namespace {

Eigen::MatrixXd dense(const float* gram, std::size_t size) {
  const auto n = static_cast<Eigen::Index>(size);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (Eigen::Index c = 0; c < n; ++c) {
    for (Eigen::Index r = c; r < n; ++r) {
      matrix(r, c) = gram[matrix_index(static_cast<std::size_t>(r), static_cast<std::size_t>(c))];
    }
  }
  return matrix;
}

/// A matrix as Kernels::transform takes it, its columns in the opposite order.
AlignedVector<float> in_blocks(const Eigen::MatrixXd& matrix) {
  const auto n = static_cast<std::size_t>(matrix.rows());
  AlignedVector<float> blocks(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      blocks[(c / kBlock * n + r) * kBlock + c % kBlock] = static_cast<float>(
          matrix(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(n - 1 - c)));
    }
  }
  return blocks;
}

}  // namespace

std::optional<Eigenbasis> eigenbasis(const float* gram, std::size_t n) {
  const Eigen::MatrixXd matrix = dense(gram, n);
  if (!matrix.allFinite()) return std::nullopt;
  // Only its lower triangle is read.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(matrix);
  if (eigen.info() != Eigen::Success) throw std::runtime_error("no eigenvectors were found");
  // Eigen has the smallest eigenvalue first.
  const double* values = eigen.eigenvalues().data();
  return Eigenbasis{{std::make_reverse_iterator(values + n), std::make_reverse_iterator(values)},
                    in_blocks(eigen.eigenvectors())};
}

}  // namespace als
