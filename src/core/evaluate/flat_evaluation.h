// What comes of an evaluation, in one piece of memory that can be sent, stored and merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/evaluate/evaluation_sums.h"

namespace als {

/// Each user has metrics at each cutoff.
inline constexpr std::size_t kMaxCutoffs = 1000;

/// Into which users fall by how active they are.
inline constexpr std::size_t kMaxGroups = 10000;

/// Of one user of the test.
struct MeasuredUser {
  explicit MeasuredUser(std::vector<std::uint32_t> list_lengths)
      : cutoffs(std::move(list_lengths)), sums(cutoffs.size()) {}

  std::string bytes() const;

  /// Nothing if they cannot have been written here.
  static std::optional<MeasuredUser> of_bytes(std::string_view bytes);

  std::uint32_t groups = 1;  ///< into how many users fall, by how active they are
  std::uint32_t group = 0;   ///< one beyond all: none
  std::uint32_t items = 0;   ///< of the model; 0 where their coverage is not asked for
  std::uint32_t known = 0;   ///< whether there is something to score by
  std::vector<std::uint32_t> cutoffs;
  EvaluationSums sums;
  std::vector<std::uint32_t> best;  ///< see RankedResult; empty where coverage is not asked for
  std::vector<std::uint32_t> most_popular;
};

/// A view of memory that holds the sums of groups of users, and which items have been in a list.
/// The memory needs no alignment.
class FlatEvaluation {
 public:
  /// What the sums are of. Only those of the same shape can be merged.
  struct Shape {
    std::uint32_t groups;
    std::uint32_t cutoffs;
    std::uint32_t items;

    bool operator==(const Shape& other) const {
      return groups == other.groups && cutoffs == other.cutoffs && items == other.items;
    }
  };

  static Shape shape_of(const MeasuredUser& user) {
    return {user.groups, static_cast<std::uint32_t>(user.cutoffs.size()), user.items};
  }
  static std::size_t bytes(const Shape& shape);

  /// Sets up bytes(shape) bytes of memory.
  FlatEvaluation(const Shape& shape, char* memory);

  /// Memory that has been set up, perhaps elsewhere; nothing if it cannot have been.
  static std::optional<FlatEvaluation> open(char* memory, std::size_t bytes);

  Shape shape() const;

  /// A user, and what another one holds, of the same shape.
  void add(const MeasuredUser& user);
  void add(const FlatEvaluation& other);

  /// Nothing if the bytes were not written here.
  std::optional<EvaluationSums> group(std::size_t group) const;

  /// How many items are in a list of some user, of so many items as the cutoff says.
  enum class Lists { kOfModel, kMostPopular };
  std::size_t covered(Lists lists, std::size_t cutoff) const;

 private:
  struct Header {
    std::uint32_t magic;
    Shape shape;
  };

  explicit FlatEvaluation(char* memory) : memory_(memory) {}
  char* numbers_of(std::size_t group) const;
  char* bits(Lists lists, std::size_t cutoff) const;
  void cover(Lists lists, const std::vector<std::uint32_t>& list,
             const std::vector<std::uint32_t>& cutoffs);
  void add_numbers(std::size_t group, const char* numbers);

  char* memory_;
};

}  // namespace als
