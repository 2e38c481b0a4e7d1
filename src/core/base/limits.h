// The largest options that a training accepts, and the largest numbers that a model holds.
#pragma once

#include <cmath>
#include <cstddef>
#include <stdexcept>

namespace als {

inline constexpr int kMaxFactors = 1024;
inline constexpr double kMaxRegularization = 1e22;
inline constexpr double kMaxRegExponent = 2;
inline constexpr double kMaxAlpha = 1e38;
inline constexpr int kMaxIterations = 10000;
inline constexpr double kMaxHoldout = 0.99;  // the share of each user's ratings kept out
inline constexpr int kMaxThreads = 256;
inline constexpr int kMaxParts = 100'000;

// Two vectors of kMaxFactors such factors, two such biases and such a mean give a score that single
// precision holds.
inline constexpr float kMaxFactor = 1e17F;
inline constexpr float kMaxBias = 1e37F;  // and mean

[[noreturn]] inline void throw_ratings_too_large() {
  throw std::range_error("the ratings are too large for factors in single precision");
}

/// Whether all values are at most so far from 0; NaN is not.
inline bool all_within(const float* values, std::size_t n, float limit) {
  bool within = true;
  for (std::size_t i = 0; i < n; ++i) within &= std::fabs(values[i]) <= limit;
  return within;
}

}  // namespace als
