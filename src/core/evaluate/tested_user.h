// A user of a test, in bytes that wait until there are enough users for a block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace als {

/// What is known of the user. Items are those of the model.
struct TestedUser {
  std::string bytes() const;

  /// Nothing if they cannot have been written for a model of so many items and factors.
  static std::optional<TestedUser> of_bytes(std::string_view bytes, std::size_t items,
                                            std::size_t factors);

  std::uint32_t rows = 0;           ///< of the test
  std::uint32_t is_relevant = 0;    ///< whether some row is relevant
  std::uint32_t is_known = 0;       ///< whether there is something to score by
  std::uint32_t ratings_known = 0;  ///< how active the user was
  std::uint32_t all_items = 1;      ///< are ranked, instead of the candidates
  float base = 0;                   ///< s_ui = (base + b_i) + vector . y_i
  std::vector<float> vector;        ///< empty for a user who is not known

  std::vector<std::uint32_t> items;  ///< ascending: those of the test that the model knows
  std::vector<float> ratings;
  std::vector<double> means;  ///< of their ratings; empty where nobody asks
  std::vector<std::uint32_t> relevant;
  std::vector<std::uint32_t> excluded;
  std::vector<std::uint32_t> candidates;
};

}  // namespace als
