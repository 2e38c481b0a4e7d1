// From ratings as they come to rows by user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/data/ratings.h"

namespace als {

/// A user or item that is left out.
inline constexpr std::uint32_t kLeftOut = UINT32_MAX;

/// The entries of a buffer, which is used up, as `users` rows. What the buffer calls user u belongs
/// to row user_number[u], item i to column item_number[i]; either may be kLeftOut. Entries of the
/// same row and column all stay, in ascending order of their values, so that the rows depend on the
/// set of entries alone.
CompressedRows group_by_user(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_number,
                             const std::vector<std::uint32_t>& item_number, std::size_t users,
                             ThreadTeam& team);

}  // namespace als
