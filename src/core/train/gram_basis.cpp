// Rotates both sides into the eigenvectors of the Gram matrix and balances their ridges.
#include "core/train/gram_basis.h"

#include <algorithm>
#include <cmath>

#include "core/base/limits.h"
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

/// Calls what(matrix) for all that a side has in the basis.
template <class What>
void for_each_matrix(const GramBasis::Side& side, const What& what) {
  what(side.factors);
  if (side.prior == nullptr) return;
  what(side.prior->means_to_turn());
  what(side.prior->weights_to_turn());
}

/// The sum of weight(row) y_k^2 over all rows, by component, or of (y_k - m_k)^2 where there are
/// means. Blocks of rows apart and then together, always the same ones.
template <class Weight>
std::vector<double> sum_squares(const FactorMatrix& matrix, const FactorMatrix* means,
                                ThreadTeam& team, const Weight& weight) {
  const std::size_t n = matrix.cols();
  std::vector<double> sums((matrix.rows() / kRowsPerBlock + 1) * n, 0.0);
  team.for_each_block(matrix.rows(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    double* sum = sums.data() + begin / kRowsPerBlock * n;
    for (std::size_t row = begin; row < end; ++row) {
      const auto w = static_cast<double>(weight(row));
      const float* y = matrix.row(row);
      if (means == nullptr) {
        kernels().add_weighted_squares(y, w, n, sum);
        continue;
      }
      const float* m = means->row(row);
      for (std::size_t k = 0; k < n; ++k) {
        const double deviation = static_cast<double>(y[k]) - m[k];
        sum[k] += w * deviation * deviation;
      }
    }
  });
  for (std::size_t block = n; block < sums.size(); block += n) {
    for (std::size_t k = 0; k < n; ++k) sums[k] += sums[block + k];
  }
  sums.resize(n);
  return sums;
}

/// What a side has of the ridge, by component: of its rows, around their means, and of the weights
/// of its features.
std::vector<double> ridge_of(const GramBasis::Side& side, ThreadTeam& team) {
  const FactorMatrix* means = side.prior == nullptr ? nullptr : &side.prior->means().matrix;
  std::vector<double> sums =
      sum_squares(side.factors, means, team, [&](std::size_t row) { return side.ridges[row]; });
  if (side.prior == nullptr) return sums;
  const std::vector<double> weights =
      sum_squares(side.prior->weights().matrix, nullptr, team, [](std::size_t) { return 1.0; });
  const std::vector<double> of_means =
      sum_squares(*means, nullptr, team, [&](std::size_t row) { return side.ridges[row]; });
  for (std::size_t k = 0; k < sums.size(); ++k)
    sums[k] += side.weights_ridge * weights[k] + of_means[k] / side.prior->strength();
  return sums;
}

}  // namespace

void GramBasis::turn(NormalEquations& gram, const Side& fixed, const Side& solved,
                     ThreadTeam& team) {
  const std::size_t n = fixed.factors.cols();
  const std::optional<Eigenbasis> basis = eigenbasis(gram.matrix(), n, team);
  if (!basis) throw_ratings_too_large();
  for (const Side& side : {fixed, solved}) {
    for_each_matrix(side, [&](FactorMatrix& m) { transform(m, basis->rotation, team); });
  }
  const Scales scales = balance(ridge_of(fixed, team), ridge_of(solved, team));
  for_each_matrix(fixed, [&](FactorMatrix& m) { scale(m, scales.fixed, team); });
  for_each_matrix(solved, [&](FactorMatrix& m) { scale(m, scales.solved, team); });

  const std::vector<double> squares = sum_squares(
      fixed.factors, nullptr, team, [&](std::size_t row) { return fixed.ratings.row_size(row); });
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
  largest_ = *std::max_element(eigenvalues.begin(), eigenvalues.end());
}

}  // namespace als
