// Adds terms to normal equations, many at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Gathers terms g z z^T and h z, where z is a row of the other side's factors, followed by a 1 if
/// there are biases. Where the terms come from is the caller's affair: ratings, or anything else
/// that pulls the row's factors towards something.
class TermAccumulator {
 public:
  TermAccumulator(std::size_t factors, bool bias);

  /// The number of components of z.
  std::size_t unknowns() const { return factors_ + (bias_ ? 1 : 0); }

  /// `vector` has `factors` floats, padded with zeros to a multiple of 16; it must stay as it is up
  /// to the next flush. gram_weight (g) must not be negative.
  void add(const float* vector, float gram_weight, float rhs_weight, NormalEquations& sum) {
    if (count_ == capacity_) flush(sum);
    vectors_[count_] = vector;
    weights_[count_] = gram_weight;
    rhs_weights_[count_] = rhs_weight;
    ++count_;
  }

  /// How many terms are added at a time.
  std::size_t capacity() const { return capacity_; }

  /// Announces a vector that will be added after the next flush, at most capacity() of them: a hint
  /// to have it in the cache by then.
  void expect(const float* vector) { upcoming_[upcoming_count_++] = vector; }

  /// Adds what is still waiting to `sum`, which must be the one that add() was given.
  void flush(NormalEquations& sum);

  static std::size_t memory(std::size_t unknowns);

 private:
  std::size_t factors_;
  bool bias_;
  const Kernels& kernels_;
  std::size_t capacity_;
  std::size_t count_ = 0;
  std::size_t upcoming_count_ = 0;
  std::vector<const float*> vectors_;
  std::vector<const float*> upcoming_;
  std::vector<float> weights_;
  std::vector<float> rhs_weights_;
  AlignedVector<float> panel_;
};

}  // namespace als
