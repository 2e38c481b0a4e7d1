// Several ratings of one (user, item).
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"

namespace als {

/// What to do with several rows of the same (user, item).
enum class OnDuplicate : std::uint8_t { kAverage, kSum, kError, kLast };

/// Two rows of the source rate the same item for the same user, and OnDuplicate is kError. Carries
/// the canonical indexes of the smallest such (user, item).
class DuplicateRating : public std::exception {
 public:
  DuplicateRating(std::uint32_t user, std::uint32_t item) : user(user), item(item) {}
  const char* what() const noexcept override { return "duplicate rating"; }
  std::uint32_t user;
  std::uint32_t item;
};

/// Merges entries of the same row and column, in double precision in ascending order of their
/// values, and returns how many were merged away. The columns of a row ascend, but for being
/// repeated; kLast keeps the entry that stands last. Of entries with weights, kAverage is the
/// weighted mean of the values, and what is left has the mean of the weights. Throws
/// DuplicateRating if on_duplicate is kError, std::range_error if a sum is out of range.
std::size_t merge_duplicates(CompressedRows& matrix, OnDuplicate on_duplicate, ThreadTeam& team);

}  // namespace als
