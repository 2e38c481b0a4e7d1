// Ratings drawn at random, for benchmarks of the engine alone.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "core/data/ratings.h"

namespace als {

inline std::vector<std::uint32_t> identity(std::size_t n) {
  std::vector<std::uint32_t> ranks(n);
  std::iota(ranks.begin(), ranks.end(), 0U);
  return ranks;
}

/// In the shape of MovieLens-20M: 145 ratings a user and 750 an item, some users and items with
/// many times as many. A cell drawn twice counts once.
inline Ratings draw_ratings(std::size_t count, ThreadTeam& team) {
  const std::size_t users = count / 145 + 1;
  const std::size_t items = count / 750 + 1;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform;
  RatingBuffer buffer;
  for (std::size_t n = 0; n < count; ++n) {
    const double user = std::pow(uniform(random), 1.5) * static_cast<double>(users);
    const double item = std::pow(uniform(random), 2) * static_cast<double>(items);
    buffer.append(static_cast<std::uint32_t>(user), static_cast<std::uint32_t>(item),
                  static_cast<float>(random() % 5 + 1));
  }
  return {std::move(buffer), identity(users), identity(items), OnDuplicate::kLast, team};
}

}  // namespace als
