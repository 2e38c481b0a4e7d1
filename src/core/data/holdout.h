// Ratings kept out of a training, to judge it by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"

namespace als {

/// Which ratings to keep out: of each user this share, those with the smallest hashes of seed, user
/// and item. So it depends on the ids alone, not on their order. A user keeps at least one rating;
/// what the share leaves of a whole rating is rounded up or down by a hash of the user, so that the
/// whole share is met even where all users have few.
struct HoldoutRule {
  double share = 0;  ///< 0 to 1
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> user_keys;  ///< a hash of each user's id
  std::vector<std::uint64_t> item_keys;
};

/// Takes the ratings to be kept out from `by_user` and returns them, in rows for the same users,
/// but without weights: each counts once in what is measured by them.
CompressedRows hold_out(CompressedRows& by_user, const HoldoutRule& rule, ThreadTeam& team);

}  // namespace als
