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

inline std::size_t drawn_users(std::size_t count) { return count / 145 + 1; }
inline std::size_t drawn_items(std::size_t count) { return count / 750 + 1; }

/// In the shape of MovieLens-20M: 145 ratings a user and 750 an item, some users and items with
/// many times as many. A cell drawn twice counts once.
inline RatingBuffer draw_entries(std::size_t count) {
  const auto users = static_cast<double>(drawn_users(count));
  const auto items = static_cast<double>(drawn_items(count));
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform;
  RatingBuffer buffer;
  for (std::size_t n = 0; n < count; ++n) {
    const double user = std::pow(uniform(random), 1.5) * users;
    const double item = std::pow(uniform(random), 2) * items;
    buffer.append(static_cast<std::uint32_t>(user), static_cast<std::uint32_t>(item),
                  static_cast<float>(random() % 5 + 1));
  }
  return buffer;
}

inline Ratings pack_drawn(RatingBuffer&& entries, std::size_t count, ThreadTeam& team) {
  return {std::move(entries), identity(drawn_users(count)), identity(drawn_items(count)),
          OnDuplicate::kLast, team};
}

inline Ratings draw_ratings(std::size_t count, ThreadTeam& team) {
  return pack_drawn(draw_entries(count), count, team);
}

}  // namespace als
