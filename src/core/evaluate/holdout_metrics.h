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

/// So many users at most are looked at for a ranking, those of the least hashes of their keys, so
/// that it does not depend on how users are dealt out.
inline constexpr std::size_t kJudgedUsers = 2000;
std::uint64_t judging_hash(std::uint64_t user_key);  ///< of 63 bits

/// Whether some of the ratings kept out of a row are positive.
bool can_be_judged(const CompressedRows& held_out, std::size_t row);

/// How well the positive ratings kept out of some rows rank among the items that the row has no
/// rating for in `seen`, up to rank `cutoff`: sums over the rows. A tie goes against the items kept
/// out. MRR and AUC are not looked at.
RankingMetrics ranking_sums(std::size_t cutoff, const CompressedRows& held_out,
                            const CompressedRows& seen, const std::vector<std::size_t>& rows,
                            const Factors& users, const Factors& items, ThreadTeam& team);

/// The bytes that this takes, beside the lists of some rows for each thread.
std::size_t ranking_memory(std::size_t items, std::size_t factors, int threads);

/// The means over the users to be judged. All 0 if there are none.
RankingMetrics::AtCutoff ranking_at(std::size_t cutoff, const CompressedRows& held_out,
                                    const CompressedRows& seen,
                                    const std::vector<std::uint64_t>& user_keys,
                                    const Factors& users, const Factors& items, ThreadTeam& team);

}  // namespace als
