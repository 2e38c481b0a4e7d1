// The vectors of a conjugate gradient iteration, and its step.
#include "core/linalg/conjugate_gradients.h"

namespace als {

ConjugateGradients::ConjugateGradients(std::size_t unknowns)
    : kernels_(kernels()),
      x_(unknowns, 0.0F),
      residual_(unknowns, 0.0F),
      preconditioner_(unknowns, 0.0F),
      scaled_(unknowns, 0.0F),
      direction_(unknowns, 0.0F),
      product_(unknowns, 0.0F) {}

/// scaled = M^-1 r; returns r^T M^-1 r.
double ConjugateGradients::precondition() {
  for (std::size_t k = 0; k < x_.size(); ++k) scaled_[k] = preconditioner_[k] * residual_[k];
  return dot(residual_, scaled_);
}

void ConjugateGradients::add_to_residual() { move_partial_sum(residual_); }

void ConjugateGradients::add_to_product() { move_partial_sum(product_); }

void ConjugateGradients::move_partial_sum(AlignedVector<float>& to) {
  for (std::size_t k = 0; k < to.size(); ++k) {
    to[k] += scaled_[k];
    scaled_[k] = 0.0F;
  }
}

void ConjugateGradients::start() {
  lowered_ = 0;
  decrease_ = precondition();
  for (std::size_t k = 0; k < x_.size(); ++k) {
    direction_[k] = scaled_[k];
    scaled_[k] = product_[k] = 0.0F;
  }
}

void ConjugateGradients::resume(double decrease, double lowered) {
  decrease_ = decrease;
  lowered_ = lowered;
  for (std::size_t k = 0; k < x_.size(); ++k) scaled_[k] = product_[k] = 0.0F;
}

void ConjugateGradients::step() {
  // The best step along p has the length r^T M^-1 r / p^T A p. Where rounding has eaten A up, there
  // is nothing to gain.
  const double curvature = -dot(direction_, product_);
  if (!(curvature > 0)) {
    decrease_ = 0;
    return;
  }
  const auto length = static_cast<float>(decrease_ / curvature);
  for (std::size_t k = 0; k < x_.size(); ++k) {
    x_[k] += length * direction_[k];
    residual_[k] += length * product_[k];
    product_[k] = 0.0F;
  }
  lowered_ += decrease_ * decrease_ / curvature;
  const double next = precondition();
  const auto share = static_cast<float>(next / decrease_);
  for (std::size_t k = 0; k < x_.size(); ++k) {
    direction_[k] = scaled_[k] + share * direction_[k];
    scaled_[k] = 0.0F;
  }
  decrease_ = next;
}

void ConjugateGradients::over_relax(const float* start, float share) {
  for (std::size_t k = 0; k < x_.size(); ++k) x_[k] += share * (x_[k] - start[k]);
  lowered_ *= 1.0 - static_cast<double>(share) * share;
}

std::size_t ConjugateGradients::memory(std::size_t unknowns) {
  return 6 * unknowns * sizeof(float);
}

}  // namespace als
