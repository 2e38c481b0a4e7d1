// Which of many trials go on, and for how long.
#pragma once

#include <cstddef>
#include <vector>

namespace als {

/// A rung of successive halving: so many trials, the best of the rung before, go on until they have
/// done so many iterations.
struct Rung {
  std::size_t trials;
  int iterations;
};

/// The schedule of successive halving (Jamieson and Talwalkar 2016): all trials begin, on each rung
/// the best third goes on for three times as many iterations, and the last rung has them all. Two
/// trials at least come to the last rung, which begins with two iterations or more: the first one
/// tells little yet.
std::vector<Rung> successive_halving(std::size_t trials, int iterations);

}  // namespace als
