// What features change in a half-step: the ridge is around where they expect a row.
#include <cmath>

#include "core/linalg/products.h"
#include "core/train/half_step.h"

namespace als {
namespace {

/// |x - m|^2 of n components.
double squared_distance(const float* x, const float* m, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const double difference = static_cast<double>(x[k]) - m[k];
    sum += difference * difference;
  }
  return sum;
}

double square(double x) { return x * x; }

}  // namespace

std::vector<float> HalfStep::row_weights() const {
  std::vector<float> weights(rows_.rows(), 0.0F);
  for (std::size_t row = 0; row < rows_.rows(); ++row) {
    if (rows_.row_size(row) > 0) {
      weights[row] = static_cast<float>(objective_.power_of_weight(weights_[row]));
    }
  }
  return weights;
}

GramBasis::Side HalfStep::in_basis(Factors& factors) const {
  return {rows_, ridges_, factors.matrix, prior_,
          prior_ == nullptr ? 0.0 : options().regularization * prior_->ridge()};
}

double HalfStep::ridge_around_mean(std::size_t row, const std::vector<float>& x) const {
  const Factors& means = prior_->means();
  const Ridge ridge = ridge_of(row);
  const std::size_t n = means.matrix.cols();
  const double sum = ridge.others * squared_distance(x.data(), means.matrix.row(row), n);
  return means.bias.empty() ? sum : sum + ridge.last * square(x[n] - means.bias[row]);
}

/// Adds lambda W^e m to the right-hand side. Returns lambda W^e |m|^2, what the ridge is at x = 0.
double HalfStep::add_prior(std::size_t row, NormalEquations& equations) const {
  const Factors& means = prior_->means();
  const Ridge ridge = ridge_of(row);
  const float* mean = means.matrix.row(row);
  const std::size_t n = means.matrix.cols();
  for (std::size_t k = 0; k < n; ++k) equations.rhs()[k] += ridge.others * mean[k];
  const double at_zero = ridge.others * squared_norm(means.matrix, row);
  if (means.bias.empty()) return at_zero;
  equations.rhs()[n] += ridge.last * means.bias[row];
  return at_zero + ridge.last * square(means.bias[row]);
}

/// Rows without ratings are where their mean is: at 0.
double HalfStep::ridge_with_prior(const Factors& factors, ThreadTeam& team) const {
  const Factors& means = prior_->means();
  const double strength = prior_->strength();
  const double of_rows = sum_over_rows(team, [&](std::size_t row) {
    const Ridge ridge = ridge_of(row);
    const double sum =
        ridge.others *
        (squared_distance(factors.matrix.row(row), means.matrix.row(row), means.matrix.cols()) +
         squared_norm(means.matrix, row) / strength);
    if (means.bias.empty()) return sum;
    const double mean = means.bias[row];
    return sum + ridge.last * (square(factors.bias[row] - mean) + square(mean) / strength);
  });
  const FeaturePrior::Squares terms = prior_->ridge_terms();
  return of_rows + options().regularization * terms.factors +
         (means.bias.empty() ? 0.0 : options().bias_regularization * terms.biases);
}

}  // namespace als
