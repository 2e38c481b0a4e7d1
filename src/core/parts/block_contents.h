// A block of items, unpacked.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/parts/item_block.h"
#include "core/parts/step_lengths.h"
#include "core/parts/sums.h"
#include "core/pieces/rounded_factors.h"

namespace als {

/// What a slice adds to a block.
struct BlockPiece {
  std::uint64_t number;  ///< of the step
  std::uint64_t users;   ///< of the step that makes, or has made, the users that it is for
  BlockKind kind;
  std::uint32_t slice;
  std::vector<std::uint32_t> rows;  ///< in the slice, ascending; none if kFactors, which has all
  /// kFactors: whether there are lengths instead of vectors, of the steps from those of the last
  /// block of that kind along the directions of the blocks since. Its rows are those that have
  /// become zero.
  bool changes;
  std::vector<StepLengths> lengths;
  Factors vectors;
  ColumnExponents columns;  ///< of directions, which are rounded
  Factors second_vectors;   ///< kCandidates

  Bytes bytes(const PartsTraining& training) const;
  static BlockPiece read(PieceReader& reader, const PartsTraining& training);
};

/// Of slices first_slice to end_slice - 1.
struct ItemBlock::Contents {
  PartsTraining training;
  std::uint64_t number = 0;
  std::uint64_t users = 0;
  BlockKind kind = BlockKind::kFactors;
  std::uint32_t first_slice = 0;
  std::uint32_t end_slice = 0;

  bool changes = false;  ///< see BlockPiece

  std::vector<std::uint32_t> items;  ///< of the vectors, ascending; empty if all; see BlockPiece
  std::vector<std::size_t> ends;     ///< where the vectors of each slice end
  std::vector<StepLengths> lengths;
  Factors vectors;
  Factors second_vectors;

  bool empty() const { return first_slice == end_slice; }
  bool is_whole() const { return !empty() && first_slice == 0 && end_slice == training.slices(); }
  std::size_t rows() const { return vectors.matrix.rows(); }

  void add(const PartsTraining& its_training, BlockPiece&& piece);

  /// The rows of a matrix that have vectors here: calls visit(row, vector) in ascending order.
  /// row_items: ascending.
  template <class Items, class Visit>
  void for_each_common(const Items& row_items, const Visit& visit) const {
    if (kind == BlockKind::kFactors) {
      const std::uint64_t first = std::uint64_t{first_slice} * training.slice_items;
      auto row = static_cast<std::size_t>(
          std::lower_bound(row_items.begin(), row_items.end(), first) - row_items.begin());
      for (; row < row_items.size() && row_items[row] < first + rows(); ++row) {
        visit(row, static_cast<std::size_t>(row_items[row] - first));
      }
      return;
    }
    auto at = items.begin();
    for (std::size_t row = 0; row < row_items.size() && at != items.end(); ++row) {
      at = std::lower_bound(at, items.end(), row_items[row]);
      if (at != items.end() && *at == row_items[row]) {
        visit(row, static_cast<std::size_t>(at - items.begin()));
      }
    }
  }
};

}  // namespace als
