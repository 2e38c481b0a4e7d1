// One matrix for all features: (s / r X^T X + I)^-1.
#include "core/features/unrated_weights.h"

#include <Eigen/Cholesky>

#include "core/linalg/gram.h"

namespace als {

Factors unrated_weights(Factors weights, const FactorView& others, double shrinkage, double ridge,
                        ThreadTeam& team) {
  constexpr std::size_t kRowsInBlock = 64;
  const NormalEquations gram = gram_of(others, team);
  const auto n = static_cast<Eigen::Index>(others.cols);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Identity(n, n);
  for (Eigen::Index c = 0; c < n; ++c)
    for (Eigen::Index r = c; r < n; ++r)
      matrix(r, c) +=
          shrinkage / ridge * gram.at(static_cast<std::size_t>(r), static_cast<std::size_t>(c));
  // Its eigenvalues are 1 and above.
  const Eigen::LLT<Eigen::MatrixXd> factorized(matrix);
  team.for_each_block(weights.matrix.rows(), kRowsInBlock,
                      [&](std::size_t begin, std::size_t end, int) {
                        for (std::size_t f = begin; f < end; ++f) {
                          Eigen::Map<Eigen::VectorXf> row(weights.matrix.row(f), n);
                          row = factorized.solve(row.cast<double>()).cast<float>();
                        }
                      });
  return weights;
}

}  // namespace als
