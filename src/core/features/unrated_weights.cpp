// One matrix for all features: V (s L / r + I)^-1 V^T, L the eigenvalues of X^T X.
#include "core/features/unrated_weights.h"

#include <Eigen/Core>
#include <algorithm>

#include "core/base/limits.h"
#include "core/linalg/eigenbasis.h"
#include "core/linalg/gram.h"

namespace als {

Factors unrated_weights(Factors weights, const FactorView& others, double shrinkage, double ridge,
                        ThreadTeam& team) {
  constexpr std::size_t kRowsInBlock = 64;
  const std::size_t n = others.cols;
  const std::optional<Eigenbasis> basis = eigenbasis(gram_of(others, team).matrix(), n, team);
  if (!basis) throw_ratings_too_large();
  const auto size = static_cast<Eigen::Index>(n);
  Eigen::MatrixXd rotation(size, size);
  Eigen::VectorXd shares(size);
  for (std::size_t c = 0; c < n; ++c) {
    const auto column = static_cast<Eigen::Index>(c);
    for (std::size_t r = 0; r < n; ++r)
      rotation(static_cast<Eigen::Index>(r), column) = basis->component(r, c);
    // Rounding can take an eigenvalue below zero, and where there are fewer rows than factors does.
    shares[column] = 1 / (1 + shrinkage / ridge * std::max(basis->eigenvalues[c], 0.0));
  }
  const Eigen::MatrixXd matrix = rotation * shares.asDiagonal() * rotation.transpose();
  team.for_each_block(weights.matrix.rows(), kRowsInBlock,
                      [&](std::size_t begin, std::size_t end, int) {
                        for (std::size_t f = begin; f < end; ++f) {
                          Eigen::Map<Eigen::VectorXf> row(weights.matrix.row(f), size);
                          row = (matrix * row.cast<double>()).cast<float>();
                        }
                      });
  return weights;
}

}  // namespace als
