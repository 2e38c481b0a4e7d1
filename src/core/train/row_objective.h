// One row's part of the objective, the other side held fixed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/data/compressed_rows.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/term_accumulator.h"
#include "core/train/options.h"

namespace als {

/// One row's part of the objective in options.h, the other side held fixed: a quadratic
/// x^T (A + R) x - 2 b^T x + c in the row's own factors. TrainingLoop and the fold-in of a
/// new row both take it from here.
class RowObjective {
 public:
  /// mean: mu, or 0 without biases. others: the number of rows of the side held fixed.
  RowObjective(const TrainOptions& options, double mean, std::size_t others)
      : options_(options), mean_(mean), others_(others) {}

  const TrainOptions& options() const { return options_; }
  double mean() const { return mean_; }
  bool implicit() const { return options_.feedback == Feedback::kImplicit; }

  /// What a row's ratings add to the sum of its weights: if explicit the sum of w, which is their
  /// number where they have no weights; else the sum of w - 1.
  double weight(const RowRatings& ratings) const;

  /// W^e, given what the row's ratings add to W.
  double power_of_weight(double weight) const;

  /// lambda * W^e and, with biases, lambda_b * W^e, given what the row's ratings add to W.
  Ridge ridge(double weight) const;

  /// h of a rating, given its weight if explicit and the bias of its column: it adds h z to b.
  double rhs_weight(double value, double weight, double fixed_bias) const {
    if (!implicit()) return weight * (value - mean_ - fixed_bias);
    return value > 0 ? 1.0 + options_.alpha * value : 0.0;
  }

  /// The equations of a row before its ratings are added. gram: Y^T Y of the side held fixed, laid
  /// out like NormalEquations::matrix(), for implicit feedback alone.
  void start_equations(const float* gram, NormalEquations& equations) const;

  /// Adds the terms of some ratings; they may wait in `terms` up to its next flush. Returns the sum
  /// of w p^2, the loss of these ratings at x = 0.
  double add_terms(const RowRatings& ratings, const BiasedView& fixed, TermAccumulator& terms,
                   NormalEquations& equations) const;

 private:
  TrainOptions options_;
  double mean_;
  std::size_t others_;
};

}  // namespace als
