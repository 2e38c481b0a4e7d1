// Checksums that tell whether the ratings of a row are still the same.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"

namespace als {

/// What a rating adds to the checksum of its row: a checksum is a sum, whatever the order of the
/// ratings. `key`: a hash of the id that the rating is for. A weight of 1 is as none.
std::uint64_t rating_checksum(std::uint64_t key, float rating, float weight = 1);

/// The checksum of each row; `keys`: of the columns.
std::vector<std::uint64_t> row_checksums(const CompressedRows& rows,
                                         const std::vector<std::uint64_t>& keys, ThreadTeam& team);

}  // namespace als
