// What the chunks of a part add to each item.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/thread_team.h"
#include "core/chunks/chunk_rows.h"
#include "core/data/popularity.h"
#include "core/parts/item_block.h"
#include "core/parts/sums.h"
#include "core/parts/users_bytes.h"
#include "core/pieces/bytes.h"

namespace als {

/// One pass over the ratings of a part, for all items that the block has: kResidual, kProduct,
/// kCurvature or kCompare, as the block says. Takes about as much memory as the block, and as much
/// again for its bytes. The block must outlive it.
class PartSums {
 public:
  PartSums(const ItemBlock& block, std::uint32_t part, ThreadTeam& team);
  ~PartSums();

  /// The chunks of the part, each once and in ascending order of their numbers, which is checked:
  /// sums in single precision depend on their order. users: as the last half-step left them.
  void add(const ChunkByItem& chunk, const ChunkUsers& users);

  /// What they add to the items of one slice of the block.
  SliceSums of_slice(std::uint32_t slice) const;

  /// A piece of each slice of the block, one after the other. See piece_of_slice().
  Bytes bytes() const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

/// The piece of a slice among pieces that stand one after the other.
ByteView piece_of_slice(ByteView pieces, std::uint32_t slice);

/// How often each item was rated in a part, with which weight, and the checksum of its ratings:
/// summed once, before the first step.
class PartTotals {
 public:
  /// Of `training` the options, items and slice_items are needed.
  PartTotals(const PartsTraining& training, std::uint32_t part);
  ~PartTotals();

  /// The chunks of the part, by item, in ascending order of their numbers, which is checked.
  /// user_keys: hashes of the ids of its users, see rating_checksum().
  void add(const ChunkByItem& chunk, const std::vector<std::uint64_t>& user_keys);

  Bytes bytes() const;  ///< as of PartSums; summed over parts by PieceSum, too

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

/// Of the totals of all slices, one after the other: the loss where all factors are zero, for
/// implicit feedback; else 0. Throws InvalidBytes unless they are of all ratings.
double zero_loss(ByteView totals, const PartsTraining& training);

/// Of the totals of one slice: what its items' ratings come to, of which popularity is made.
std::vector<RatingTotals> rating_totals(ByteView totals);

}  // namespace als
