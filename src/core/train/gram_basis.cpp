// Rotates both sides into the eigenvectors of the Gram matrix and balances their ridges.
#include "core/train/gram_basis.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/linalg/eigenbasis.h"

namespace als {
namespace {

constexpr std::size_t kMultiplyAddsPerBlock = std::size_t{1} << 24;  // some milliseconds
constexpr std::size_t kRowsPerBlock = 4096;

// What is beyond all reason is left as it is.
constexpr double kMinScale = 1e-6;

void rotate(FactorMatrix& matrix, const AlignedVector<float>& rotation, ThreadTeam& team) {
  const std::size_t n = matrix.cols();
  team.for_each_block(matrix.rows(), kMultiplyAddsPerBlock / (n * n) + 1,
                      [&](std::size_t begin, std::size_t end, int) {
                        kernels().transform(matrix.row(begin), end - begin, matrix.stride(), n,
                                            rotation.data());
                      });
}

void scale(FactorMatrix& matrix, const std::vector<float>& scales, ThreadTeam& team) {
  team.for_each_block(matrix.rows(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      float* y = matrix.row(row);
      for (std::size_t k = 0; k < scales.size(); ++k) y[k] *= scales[k];
    }
  });
}

/// The sum of weight(row) y_k^2 over all rows, by component. Blocks of rows apart and then
/// together, always the same ones.
template <class Weight>
std::vector<double> sum_squares(const FactorMatrix& matrix, ThreadTeam& team,
                                const Weight& weight) {
  const std::size_t n = matrix.cols();
  std::vector<double> sums((matrix.rows() / kRowsPerBlock + 1) * n, 0.0);
  team.for_each_block(matrix.rows(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    double* sum = sums.data() + begin / kRowsPerBlock * n;
    for (std::size_t row = begin; row < end; ++row) {
      const auto w = static_cast<double>(weight(row));
      const float* y = matrix.row(row);
      for (std::size_t k = 0; k < n; ++k) sum[k] += w * y[k] * y[k];
    }
  });
  for (std::size_t block = n; block < sums.size(); block += n) {
    for (std::size_t k = 0; k < n; ++k) sums[k] += sums[block + k];
  }
  sums.resize(n);
  return sums;
}

}  // namespace

void GramBasis::turn(NormalEquations& gram, const Side& fixed, const Side& solved,
                     ThreadTeam& team) {
  const std::size_t n = fixed.factors.cols();
  const std::optional<Eigenbasis> basis = eigenbasis(gram.matrix(), n, team);
  if (!basis) {
    throw std::range_error("the ratings are too large for factors in single precision");
  }
  rotate(fixed.factors, basis->rotation, team);
  rotate(solved.factors, basis->rotation, team);

  const auto ridge_of = [&](const Side& side) {
    return sum_squares(side.factors, team, [&](std::size_t row) { return side.ridges[row]; });
  };
  const std::vector<double> fixed_ridge = ridge_of(fixed);
  const std::vector<double> solved_ridge = ridge_of(solved);
  // c^2 F + S / c^2 is least where c^4 = S / F. A component that one side lacks has no such scale.
  std::vector<float> scales(n, 1.0F);
  std::vector<float> inverse_scales(n, 1.0F);
  for (std::size_t k = 0; k < n; ++k) {
    const double c = std::sqrt(std::sqrt(solved_ridge[k] / fixed_ridge[k]));
    if (!(c > kMinScale && c < 1 / kMinScale)) continue;
    scales[k] = static_cast<float>(c);
    inverse_scales[k] = static_cast<float>(1 / c);
  }
  scale(fixed.factors, scales, team);
  scale(solved.factors, inverse_scales, team);

  gram.clear();
  for (std::size_t k = 0; k < n; ++k) {
    // Rounding can take an eigenvalue that is zero below it.
    const double eigenvalue = std::max(basis->eigenvalues[k], 0.0);
    eigenvalues_[k] = static_cast<float>(eigenvalue * scales[k] * scales[k]);
    gram.matrix()[matrix_index(k, k)] = eigenvalues_[k];
  }
  const std::vector<double> squares = sum_squares(
      fixed.factors, team, [&](std::size_t row) { return fixed.ratings.row_size(row); });
  const auto count = static_cast<double>(std::max<std::size_t>(fixed.ratings.columns.size(), 1));
  for (std::size_t k = 0; k < n; ++k) mean_squares_[k] = static_cast<float>(squares[k] / count);
  const auto is_singular = [&](const std::vector<float>& sizes) {
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.begin() + n);
    return *least < kSingular * *most;
  };
  singular_ = is_singular(eigenvalues_) || is_singular(mean_squares_);
}

}  // namespace als
