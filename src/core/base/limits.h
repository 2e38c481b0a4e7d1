// The largest options that a training accepts.
#pragma once

namespace als {

inline constexpr int kMaxFactors = 1024;
inline constexpr double kMaxRegularization = 1e22;
inline constexpr double kMaxRegExponent = 2;
inline constexpr double kMaxAlpha = 1e38;
inline constexpr int kMaxIterations = 10000;
inline constexpr double kMaxHoldout = 0.99;  // the share of each user's ratings kept out
inline constexpr int kMaxThreads = 256;

}  // namespace als
