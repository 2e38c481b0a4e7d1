// What ratings add to a row's equations, for both kinds of feedback.
#include "core/train/row_objective.h"

#include <algorithm>
#include <cmath>

namespace als {

double RowObjective::weight(const RowRatings& ratings) const {
  if (!implicit() && ratings.weights == nullptr) return static_cast<double>(ratings.count);
  double sum = 0;
  for (std::size_t e = 0; e < ratings.count; ++e) {
    sum += implicit() ? options_.alpha * std::fabs(static_cast<double>(ratings.values[e]))
                      : ratings.weight(e);
  }
  return sum;
}

double RowObjective::power_of_weight(double weight) const {
  const double others = implicit() ? static_cast<double>(others_) : 0.0;
  // Zero to the power of zero is one; but a row without ratings has no factors to hold down.
  return std::pow(weight + others, options_.reg_exponent);
}

Ridge RowObjective::ridge(double weight) const {
  const double power = power_of_weight(weight);
  const double last = options_.biases ? options_.bias_regularization : options_.regularization;
  return {static_cast<float>(options_.regularization * power), static_cast<float>(last * power)};
}

void RowObjective::start_equations(const float* gram, NormalEquations& equations) const {
  equations.clear();
  if (implicit()) std::copy_n(gram, matrix_floats(equations.unknowns()), equations.matrix());
}

double RowObjective::add_terms(const RowRatings& ratings, const BiasedView& fixed,
                               TermAccumulator& terms, NormalEquations& equations) const {
  double targets = 0;
  if (!implicit()) {
    // Zhou et al. 2008: A = sum of w z z^T, b = sum of w t z. With biases z = [y_i, 1], so that the
    // row's own bias is the last unknown, and t = r - mu - b_i is what is left for s to explain.
    for (std::size_t e = 0; e < ratings.count; ++e) {
      const std::uint32_t column = ratings.columns[e];
      const double bias = fixed.bias == nullptr ? 0.0 : fixed.bias[column];
      const auto target = static_cast<float>(rhs_weight(ratings.values[e], 1.0, bias));
      const double weight = ratings.weight(e);
      terms.add(fixed.row(column), static_cast<float>(weight), static_cast<float>(weight * target),
                equations);
      targets += weight * target * target;
    }
  } else {
    // Hu, Koren and Volinsky 2008, eq. 4: Y^T W Y = Y^T Y + Y^T (W - I) Y, where W - I is alpha |r|
    // in the observed cells and 0 elsewhere; b = sum of w p y.
    for (std::size_t e = 0; e < ratings.count; ++e) {
      const double extra = options_.alpha * std::fabs(static_cast<double>(ratings.values[e]));
      const double weighted_target = rhs_weight(ratings.values[e], 1.0, 0.0);
      terms.add(fixed.row(ratings.columns[e]), static_cast<float>(extra),
                static_cast<float>(weighted_target), equations);
      targets += weighted_target;
    }
  }
  return targets;
}

}  // namespace als
