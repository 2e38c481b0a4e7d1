// How well a model does on the ratings kept out of its training.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/evaluate/ranking_metrics.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Root mean square of r - (mean + b_u + b_i + x_u . y_i) over the ratings kept out; 0 if there are
/// none.
double rmse(const CompressedRows& held_out, const Factors& users, const Factors& items, double mean,
            ThreadTeam& team);

/// How well a user's positive ratings kept out rank among the items that they have no rating for in
/// `seen`, up to rank `cutoff`: the means over users that have any, or 2000 of them picked by their
/// keys. A tie goes against the items kept out. All 0 if there are none. MRR and AUC are not looked
/// at.
RankingMetrics::AtCutoff ranking_at(std::size_t cutoff, const CompressedRows& held_out,
                                    const CompressedRows& seen,
                                    const std::vector<std::uint64_t>& user_keys,
                                    const Factors& users, const Factors& items, ThreadTeam& team);

}  // namespace als
