// Items' vectors as every part gets them.
#pragma once

#include <memory>
#include <vector>

#include "core/base/thread_team.h"
#include "core/pieces/bytes.h"
#include "core/pieces/step.h"

namespace als {

/// The checked and unpacked pieces of slice_block(). Reading it costs a copy: do it once a query
/// and machine, not once a chunk.
class ItemBlock {
 public:
  ItemBlock();
  ~ItemBlock();
  ItemBlock(const ItemBlock&);
  ItemBlock(ItemBlock&&) noexcept;
  ItemBlock& operator=(ItemBlock&&) noexcept;

  /// Adds pieces, one or more one after the other, in ascending order of slices: those of a block
  /// that is larger than 1 GB come in several calls. Users need all slices; an item's sums may be
  /// made from a block of some.
  void add(ByteView pieces);

  /// After the first piece: makes room for pieces of so many bytes in all.
  void reserve(std::size_t bytes);

  /// Whether its pieces say how far items have gone since the last block of their factors.
  bool has_changes() const;

  /// Whether they are these factors, of all items.
  bool has_factors() const;

  /// Whether they are directions, of some items, along which these may go.
  bool has_directions() const;

  /// Makes a whole block of such pieces, which has_changes(), to one of factors. last: that block,
  /// which is of no use any more then; directions: the blocks of them since; step: for which this
  /// one is. With the same vector instructions, the factors have the same bits as in the slices.
  /// Throws InvalidBytes.
  void follow(ItemBlock&& last, const std::vector<const ItemBlock*>& directions, ByteView step,
              ThreadTeam& team);

  const PartsTraining& training() const;

  struct Contents;
  const Contents& contents() const { return *contents_; }

 private:
  std::unique_ptr<Contents> contents_;
};

}  // namespace als
