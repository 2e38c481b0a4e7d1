// The vectors of a conjugate gradient iteration, and its step.
#include "core/linalg/conjugate_gradients.h"

namespace als {

ConjugateGradients::ConjugateGradients(std::size_t unknowns)
    : kernels_(kernels()),
      x_(unknowns, 0.0F),
      residual_(unknowns, 0.0F),
      preconditioner_(unknowns, 0.0F),
      partial_sum_(unknowns, 0.0F),
      direction_(unknowns, 0.0F),
      product_(unknowns, 0.0F) {}

CgVectors ConjugateGradients::vectors() {
  return {x_.data(),         residual_.data(), preconditioner_.data(),
          direction_.data(), product_.data(),  partial_sum_.data(),
          x_.size()};
}

void ConjugateGradients::add_to_residual() {
  kernels_.move_sum(partial_sum_.data(), residual_.data(), x_.size());
}

void ConjugateGradients::add_to_product() {
  kernels_.move_sum(partial_sum_.data(), product_.data(), x_.size());
}

void ConjugateGradients::start() {
  lowered_ = 0;
  decrease_ = kernels_.cg_start(vectors());
}

void ConjugateGradients::resume(double decrease, double lowered) {
  decrease_ = decrease;
  lowered_ = lowered;
  for (std::size_t k = 0; k < x_.size(); ++k) partial_sum_[k] = product_[k] = 0.0F;
}

void ConjugateGradients::step() {
  // The best step along p has the length r^T M^-1 r / p^T A p. Where rounding has eaten A up, there
  // is nothing to gain.
  double curvature = 0;
  const double next = kernels_.cg_step(vectors(), decrease_, &curvature);
  note_step(curvature);
  decrease_ = next;
}

void ConjugateGradients::note_step(double curvature) {
  length_ = 0;
  if (!(curvature > 0)) return;
  length_ = static_cast<float>(decrease_ / curvature);
  lowered_ += decrease_ * decrease_ / curvature;
}

void ConjugateGradients::last_step(double curvature) {
  note_step(curvature);
  if (curvature > 0) kernels_.cg_last_step(vectors(), length_);
  decrease_ = 0;
}

void ConjugateGradients::over_relax(const float* start, float share) {
  kernels_.over_relax(x_.data(), start, share, x_.size());
  lowered_ *= 1.0 - static_cast<double>(share) * share;
}

std::size_t ConjugateGradients::memory(std::size_t unknowns) {
  return 6 * unknowns * sizeof(float);
}

}  // namespace als
