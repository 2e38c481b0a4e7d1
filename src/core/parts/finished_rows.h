// What a training has come to, for a chunk's users or a slice's items.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/pieces/bytes.h"

namespace als {

struct FinishedRows {
  Factors factors;
  std::vector<std::uint32_t> ratings;    ///< how many each has
  std::vector<std::uint64_t> checksums;  ///< see row_checksums()
  std::vector<float> popularity;         ///< of items; users have none

  std::size_t size() const { return ratings.size(); }

  Bytes bytes() const;
  static FinishedRows read(ByteView bytes);
};

}  // namespace als
