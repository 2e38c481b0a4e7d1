// Gathers terms in a panel, which the kernels add to the equations when it is full.
#include "core/linalg/term_accumulator.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

// Terms in a panel. Two of its blocks, of 64 bytes a term, should fit the first-level cache, and
// all of it the second.
std::size_t panel_terms(std::size_t unknowns) {
  return std::clamp<std::size_t>((std::size_t{1} << 17) / (blocks_of(unknowns) * kBlock), 128, 256);
}

}  // namespace

TermAccumulator::TermAccumulator(std::size_t factors, bool bias)
    : factors_(factors),
      bias_(bias),
      kernels_(kernels()),
      capacity_(panel_terms(unknowns())),
      vectors_(capacity_),
      upcoming_(capacity_),
      weights_(capacity_),
      rhs_weights_(capacity_),
      panel_(capacity_ * blocks_of(unknowns()) * kBlock, 0.0F) {}

void TermAccumulator::flush(NormalEquations& sum) {
  if (count_ == 0) return;
  for (std::size_t e = 0; e < count_; ++e) weights_[e] = std::sqrt(weights_[e]);
  kernels_.accumulate({vectors_.data(), weights_.data(), rhs_weights_.data(), count_, factors_,
                       bias_, upcoming_.data(), upcoming_count_},
                      panel_.data(), sum.matrix(), sum.rhs());
  upcoming_count_ = 0;
  count_ = 0;
}

std::size_t TermAccumulator::memory(std::size_t unknowns) {
  return panel_terms(unknowns) *
         (blocks_of(unknowns) * kBlock * sizeof(float) + 2 * sizeof(float*) + 2 * sizeof(float));
}

}  // namespace als
