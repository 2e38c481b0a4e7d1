// Principal components by the eigenvectors of the centred rows' Gram matrix.
#include "core/linalg/principal_axes.h"

#include <cmath>

#include "core/linalg/eigenbasis.h"
#include "core/linalg/gram.h"

namespace als {

namespace {

/// An eigenvector, with the sign that makes its largest component positive.
std::vector<float> axis_of(const Eigenbasis& basis, std::size_t eigenvector) {
  std::vector<float> values(basis.eigenvalues.size());
  for (std::size_t r = 0; r < values.size(); ++r) values[r] = basis.component(r, eigenvector);
  const float largest = *std::max_element(
      values.begin(), values.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (largest < 0)
    for (float& value : values) value = -value;
  return values;
}

}  // namespace

double PrincipalAxes::place(const float* vector, int axis) const {
  double sum = 0;
  for (std::size_t k = 0; k < centre.size(); ++k)
    sum += (static_cast<double>(vector[k]) - centre[k]) * axes[axis][k];
  return sum;
}

std::optional<PrincipalAxes> principal_axes(FactorMatrix& rows, ThreadTeam& team) {
  const std::size_t n = rows.cols();
  std::vector<double> sums(n, 0.0);
  for (std::size_t r = 0; r < rows.rows(); ++r)
    for (std::size_t k = 0; k < n; ++k) sums[k] += rows.row(r)[k];
  PrincipalAxes result{};
  for (double sum : sums)
    result.centre.push_back(static_cast<float>(sum / static_cast<double>(rows.rows())));
  for (std::size_t r = 0; r < rows.rows(); ++r)
    for (std::size_t k = 0; k < n; ++k) rows.row(r)[k] -= result.centre[k];

  const NormalEquations gram = gram_of(rows.view(), team);
  const std::optional<Eigenbasis> basis = eigenbasis(gram.matrix(), n, team);
  if (!basis) return std::nullopt;
  double variance = 0;
  for (double value : basis->eigenvalues) variance += std::max(value, 0.0);
  for (std::size_t c = 0; c < 2; ++c) {
    const bool exists = c < n;
    result.axes[c] = exists ? axis_of(*basis, c) : std::vector<float>(n, 0.0F);
    result.variance_shares[c] =
        exists && variance > 0 ? std::max(basis->eigenvalues[c], 0.0) / variance : 0;
  }
  return result;
}

}  // namespace als
