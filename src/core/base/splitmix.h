// splitmix64 (Steele, Lea and Flood 2014): from counters to random-looking bits.
#pragma once

#include <cstdint>

namespace als {

/// The increment between two counters of a stream.
inline constexpr std::uint64_t kSplitmixStep = 0x9e3779b97f4a7c15;

/// The finaliser: spreads every bit of x over all bits of the result.
inline std::uint64_t splitmix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The number of [0, 1) that a hash stands for.
inline double unit_of(std::uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1p-53; }

}  // namespace als
