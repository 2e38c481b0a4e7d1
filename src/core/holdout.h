// Ratings kept out of a training, to judge it by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/compressed_rows.h"
#include "core/factor_matrix.h"
#include "core/ranking_metrics.h"
#include "core/thread_team.h"

namespace als {

/// Which ratings to keep out: of each user this share, those with the smallest hashes of seed, user
/// and item. So it hangs on the ids alone, not on their order. A user keeps at least one rating;
/// what the share leaves of a whole rating is rounded up or down by a hash of the user, so that the
/// whole share is met even where all users have few.
struct HoldoutRule {
  double share = 0;  ///< 0 to 1
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> user_keys;  ///< a hash of each user's id
  std::vector<std::uint64_t> item_keys;
};

/// Takes the ratings to be kept out from `by_user` and returns them, in rows for the same users.
CompressedRows hold_out(CompressedRows& by_user, const HoldoutRule& rule, ThreadTeam& team);

/// Root mean square of r - (mean + b_u + b_i + x_u . y_i) over the ratings kept out; 0 if there are
/// none.
double rmse(const CompressedRows& held_out, const Factors& users, const Factors& items, double mean,
            ThreadTeam& team);

/// How well a user's positive ratings kept out rank among the items that he has no rating for in
/// `seen`, up to rank `cutoff`: the means over users that have any, or 2000 of them picked by their
/// keys. A tie goes against the items kept out. All 0 if there are none. MRR and AUC are not looked
/// at.
RankingMetrics::AtCutoff ranking_at(std::size_t cutoff, const CompressedRows& held_out,
                                    const CompressedRows& seen,
                                    const std::vector<std::uint64_t>& user_keys,
                                    const Factors& users, const Factors& items, ThreadTeam& team);

}  // namespace als
