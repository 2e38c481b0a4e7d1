// Where a training starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/train/options.h"

namespace als {

/// Zeros for so many rows; biases too if the options have them.
Factors zero_factors(std::size_t rows, const TrainOptions& options, ThreadTeam& team);

/// Random numbers for each key: each depends on the seed, the key and its column alone. keys: one
/// 64-bit hash of each id, so that the start depends on the id and not on its position. spread: of
/// explicit ratings.
Factors initial_factors(const std::vector<std::uint64_t>& keys, const TrainOptions& options,
                        double spread, ThreadTeam& team);

}  // namespace als
