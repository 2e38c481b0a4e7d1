// How often the items of a slice were rated.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/popularity.h"
#include "core/pieces/pieces.h"

namespace als {

struct SliceTotals {
  static constexpr std::size_t kItemBytes = 48;  ///< of an item in a piece

  std::uint32_t slice;
  std::uint32_t first_part;
  std::uint32_t last_part;
  std::vector<RatingTotals> ratings;
  std::vector<double> weights;           ///< see RowObjective::weight()
  std::vector<double> losses;            ///< implicit feedback: where all factors are zero
  std::vector<std::uint64_t> checksums;  ///< see row_checksums()

  Bytes bytes() const;
  static SliceTotals read(ByteView& pieces);

  /// Those of the next part.
  void add(const SliceTotals& other);
};

}  // namespace als
