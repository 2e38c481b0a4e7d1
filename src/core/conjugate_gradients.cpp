#include "core/conjugate_gradients.h"

namespace als {

ConjugateGradients::ConjugateGradients(std::size_t unknowns)
    : kernels_(kernels()),
      x_(unknowns, 0.0F),
      residual_(unknowns, 0.0F),
      preconditioner_(unknowns, 0.0F),
      scaled_(unknowns, 0.0F),
      direction_(unknowns, 0.0F),
      product_(unknowns, 0.0F) {}

double ConjugateGradients::precondition() {
  for (std::size_t k = 0; k < x_.size(); ++k) scaled_[k] = preconditioner_[k] * residual_[k];
  return dot(residual_, scaled_);
}

void ConjugateGradients::advance(float length) {
  for (std::size_t k = 0; k < x_.size(); ++k) {
    x_[k] += length * direction_[k];
    residual_[k] += length * product_[k];
  }
}

void ConjugateGradients::turn(float share) {
  for (std::size_t k = 0; k < x_.size(); ++k) direction_[k] = scaled_[k] + share * direction_[k];
}

std::size_t ConjugateGradients::memory(std::size_t unknowns) {
  return 6 * unknowns * sizeof(float);
}

}  // namespace als
