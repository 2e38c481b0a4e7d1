// Preconditioned conjugate gradients, a few steps of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/factor_matrix.h"
#include "core/kernels.h"

namespace als {

/// Lowers f(x) = x^T A x - 2 b^T x from where x is (Hestenes and Stiefel 1952). A is known only by
/// its products with vectors.
class ConjugateGradients {
 public:
  explicit ConjugateGradients(std::size_t unknowns);

  /// All of `unknowns` floats, for the caller to fill before run().
  float* x() { return x_.data(); }                ///< where to start
  float* residual() { return residual_.data(); }  ///< b - A x there
  /// About 1 / A[k][k]; 0 keeps x[k] as it is.
  float* preconditioner() { return preconditioner_.data(); }

  /// Takes at most `steps` steps, and none that would lower f by less than about `enough`.
  /// subtract_product(p, y) does y -= A p. Returns by how much f was lowered.
  template <class SubtractProduct>
  double run(int steps, double enough, SubtractProduct&& subtract_product) {
    double lowered = 0;
    double decrease = precondition();
    std::copy(scaled_.begin(), scaled_.end(), direction_.begin());
    for (int step = 0; step < steps && decrease > enough; ++step) {
      std::fill(product_.begin(), product_.end(), 0.0F);
      subtract_product(direction_.data(), product_.data());
      // The best step along p has the length r^T M^-1 r / p^T A p. Where rounding has eaten A up,
      // there is nothing to gain.
      const double curvature = -dot(direction_, product_);
      if (!(curvature > 0)) break;
      const double length = decrease / curvature;
      advance(static_cast<float>(length));
      lowered += length * decrease;
      if (step + 1 == steps) break;
      const double next = precondition();
      turn(static_cast<float>(next / decrease));
      decrease = next;
    }
    return lowered;
  }

  static std::size_t memory(std::size_t unknowns);

 private:
  double dot(const AlignedVector<float>& a, const AlignedVector<float>& b) const {
    return kernels_.dot(a.data(), b.data(), a.size());
  }
  /// scaled = M^-1 r; returns r^T M^-1 r.
  double precondition();
  /// x += length * p, r += length * product, which is -A p.
  void advance(float length);
  /// p = scaled + share * p.
  void turn(float share);

  const Kernels& kernels_;
  AlignedVector<float> x_;
  AlignedVector<float> residual_;
  AlignedVector<float> preconditioner_;
  AlignedVector<float> scaled_;
  AlignedVector<float> direction_;
  AlignedVector<float> product_;
};

}  // namespace als
