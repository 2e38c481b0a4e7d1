// Preconditioned conjugate gradients, step by step.
#pragma once

#include <cstddef>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Lowers f(x) = x^T A x - 2 b^T x from where x is (Hestenes and Stiefel 1952). A is known only by
/// its products with vectors, which the caller makes:
///
///   fill x(), residual() and preconditioner(), start(),
///   and then, as often as it is worth it: product() -= A direction(), step().
class ConjugateGradients {
 public:
  explicit ConjugateGradients(std::size_t unknowns);

  /// All of `unknowns` floats.
  float* x() { return x_.data(); }  ///< where to start, and where it has come to
  const float* x() const { return x_.data(); }
  float* residual() { return residual_.data(); }  ///< b - A x
  /// About 1 / A[k][k]; 0 keeps x[k] as it is.
  float* preconditioner() { return preconditioner_.data(); }
  float* direction() { return direction_.data(); }
  const float* direction() const { return direction_.data(); }
  float* product() { return product_.data(); }  ///< zeros at first

  /// Where a part of the residual or of the product can be summed up on its own, zeros at first,
  /// and then be added to it: single-precision sums of many terms lose less that way.
  float* partial_sum() { return partial_sum_.data(); }
  void add_to_residual();
  void add_to_product();

  void start();
  void step();

  /// In place of the last step, for which p^T A p is enough: direction() and decrease() are of no
  /// use any more.
  void last_step(double curvature);

  /// Goes on where another one was, of which x(), residual(), preconditioner() and direction() are
  /// to be filled in, and whose decrease() and lowered() these are.
  void resume(double decrease, double lowered);

  /// Goes on by `share` of the way that the steps have come, from `start`. As f is least where they
  /// have ended, of all places on that line, this takes back share^2 of what they have lowered.
  void over_relax(const float* start, float share);

  /// All of them, for the inner loops.
  CgVectors vectors();

  /// By about how much the next step will lower f. 0: there is nothing to gain.
  double decrease() const { return decrease_; }
  /// How far the last step has gone along its direction.
  float length() const { return length_; }
  /// By how much the steps so far have lowered f.
  double lowered() const { return lowered_; }

  static std::size_t memory(std::size_t unknowns);

 private:
  void note_step(double curvature);

  const Kernels& kernels_;
  double decrease_ = 0;  // r^T M^-1 r
  double lowered_ = 0;
  float length_ = 0;
  AlignedVector<float> x_;
  AlignedVector<float> residual_;
  AlignedVector<float> preconditioner_;  // M^-1
  AlignedVector<float> partial_sum_;     // zeros between the steps
  AlignedVector<float> direction_;       // p
  AlignedVector<float> product_;         // -A p
};

}  // namespace als
