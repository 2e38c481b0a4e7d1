// What a training run is asked to do.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/limits.h"

namespace als {

enum class Feedback : std::uint8_t { kExplicit, kImplicit };

/// How the least-squares problem of a row is solved.
enum class Solver : std::uint8_t {
  kAuto,               ///< conjugate gradients, but for factors that must not be negative
  kDirect,             ///< exactly, by a Cholesky factorisation
  kConjugateGradients  ///< a few steps from where the row was, and exactly in the end
};

/// The objective, one formula for both kinds of feedback:
///
///   sum over cells of w_ui (p_ui - s_ui)^2
///     + lambda * sum_u (W_u)^e |x_u|^2 + lambda * sum_i (W_i)^e |y_i|^2
///     + lambda_b * sum_u (W_u)^e b_u^2 + lambda_b * sum_i (W_i)^e b_i^2
///
/// W_u is the sum of the weights of row u. Explicit feedback (Zhou et al. 2008): w = 1, or the
/// rating's own weight, on observed cells and 0 elsewhere, p = r, s = x.y, or mu + b_u + b_i + x.y
/// with biases. Implicit feedback (Hu, Koren, Volinsky 2008): w = 1 + alpha*|r| on observed cells
/// and 1 elsewhere, p = 1 where r > 0 and 0 elsewhere, s = x.y.
///
/// With features f_i of the items, the ridge of these is
///
///   lambda / (1 + kappa) * (sum_i (W_i)^e (|y_i|^2 + kappa |y_i - C^T f_i|^2) + kappa mu |C|^2)
///
/// and likewise with those of users, and of biases: see FeaturePrior.
///
/// The values here are those of the engine alone; SQL has its own defaults, in
/// pg/options/option_defaults.
struct TrainOptions {
  Feedback feedback = Feedback::kExplicit;
  int factors = 64;                  ///< length of a factor vector, 1..1024
  int iterations = 15;               ///< full sweeps: users, then items
  double regularization = 1.2;       ///< lambda, >= 0
  double bias_regularization = 1.2;  ///< lambda_b, >= 0
  double reg_exponent = 0.5;         ///< e
  double alpha = 1.0;                ///< implicit only, >= 0
  bool biases = false;               ///< explicit only
  bool nonnegative = false;          ///< no factor below zero (biases may be); solved directly
  Solver solver = Solver::kAuto;
  double feature_regularization = 1;  ///< mu, in rows of the mean W^e; see FeaturePrior
  double feature_strength = 1;        ///< kappa, of items
  double user_feature_strength = 1;   ///< and of users
  double new_item_shrinkage = 0;      ///< implicit only: s of unrated_weights()
  double tolerance = 0;     ///< stop when an iteration lowers the loss by less than this part
  std::uint64_t seed = 42;  ///< of the initial factors

  /// What is to be found for a row: its factors and, with biases, its bias.
  std::size_t unknowns() const { return static_cast<std::size_t>(factors) + (biases ? 1 : 0); }
};

}  // namespace als
