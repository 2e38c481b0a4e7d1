// Rotates both sides into the eigenvectors of the Gram matrix and balances their ridges.
#include "core/train/gram_basis.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/kernels/kernels.h"
#include "core/linalg/eigenbasis.h"
#include "core/linalg/products.h"

namespace als {
namespace {

constexpr std::size_t kRowsPerBlock = 4096;

// What is beyond all reason is left as it is.
constexpr double kMinScale = 1e-6;

void scale(FactorMatrix& matrix, const std::vector<float>& scales, ThreadTeam& team) {
  team.for_each_block(matrix.rows(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      kernels().scale(matrix.row(row), scales.data(), scales.size());
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
      kernels().add_weighted_squares(matrix.row(row), static_cast<double>(weight(row)), n, sum);
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
  transform(fixed.factors, basis->rotation, team);
  transform(solved.factors, basis->rotation, team);

  const auto ridge_of = [&](const Side& side) {
    return sum_squares(side.factors, team, [&](std::size_t row) { return side.ridges[row]; });
  };
  const Scales scales = balance(ridge_of(fixed), ridge_of(solved));
  scale(fixed.factors, scales.fixed, team);
  scale(solved.factors, scales.solved, team);

  const std::vector<double> squares = sum_squares(
      fixed.factors, team, [&](std::size_t row) { return fixed.ratings.row_size(row); });
  note(basis->eigenvalues, scales, squares, fixed.ratings.columns.size());
  gram.clear();
  for (std::size_t k = 0; k < n; ++k) gram.matrix()[matrix_index(k, k)] = eigenvalues_[k];
}

GramBasis::Scales GramBasis::balance(const std::vector<double>& fixed_ridge,
                                     const std::vector<double>& solved_ridge) {
  const std::size_t n = fixed_ridge.size();
  Scales scales{std::vector<float>(n, 1.0F), std::vector<float>(n, 1.0F)};
  // c^2 F + S / c^2 is least where c^4 = S / F. A component that one side lacks has no such scale.
  for (std::size_t k = 0; k < n; ++k) {
    const double c = std::sqrt(std::sqrt(solved_ridge[k] / fixed_ridge[k]));
    if (!(c > kMinScale && c < 1 / kMinScale)) continue;
    scales.fixed[k] = static_cast<float>(c);
    scales.solved[k] = static_cast<float>(1 / c);
  }
  return scales;
}

void GramBasis::note(const std::vector<double>& eigenvalues, const Scales& scales,
                     const std::vector<double>& squares, std::size_t ratings) {
  const std::size_t n = eigenvalues.size();
  const auto count = static_cast<double>(std::max<std::size_t>(ratings, 1));
  std::vector<float> values(n);
  std::vector<float> mean_squares(n);
  for (std::size_t k = 0; k < n; ++k) {
    // Rounding can take an eigenvalue that is zero below it.
    const double eigenvalue = std::max(eigenvalues[k], 0.0);
    values[k] = static_cast<float>(eigenvalue * scales.fixed[k] * scales.fixed[k]);
    mean_squares[k] = static_cast<float>(squares[k] / count);
  }
  note(values, mean_squares);
}

void GramBasis::note(const std::vector<float>& eigenvalues,
                     const std::vector<float>& mean_squares) {
  std::copy(eigenvalues.begin(), eigenvalues.end(), eigenvalues_.begin());
  std::copy(mean_squares.begin(), mean_squares.end(), mean_squares_.begin());
  const auto is_singular = [](const std::vector<float>& sizes) {
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    return *least < kSingular * *most;
  };
  singular_ = is_singular(eigenvalues) || is_singular(mean_squares);
}

}  // namespace als
