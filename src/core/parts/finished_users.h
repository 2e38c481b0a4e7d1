// What a training has come to for a chunk's users.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/pieces/bytes.h"

namespace als {

struct FinishedUsers {
  Factors factors;
  std::vector<std::uint32_t> ratings;    ///< how many each has
  std::vector<std::uint64_t> checksums;  ///< see row_checksums()

  std::size_t size() const { return ratings.size(); }

  Bytes bytes() const;
  static FinishedUsers read(ByteView bytes);
};

}  // namespace als
