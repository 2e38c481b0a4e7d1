// Items' vectors as every part gets them.
#pragma once

#include <cstdint>
#include <memory>

#include "core/pieces/bytes.h"
#include "core/pieces/step.h"

namespace als {

/// The checked and unpacked pieces of slice_block(). Reading it costs a copy: do it once a query
/// and machine, not once a chunk.
class ItemBlock {
 public:
  ItemBlock();
  ~ItemBlock();
  ItemBlock(ItemBlock&&) noexcept;

  /// Adds pieces, one or more one after the other, in ascending order of slices: those of a block
  /// that is larger than 1 GB come in several calls. Users need all slices; an item's sums may be
  /// made from a block of some.
  void add(ByteView pieces);

  const PartsTraining& training() const;

  struct Contents;
  const Contents& contents() const { return *contents_; }

 private:
  std::unique_ptr<Contents> contents_;
};

}  // namespace als
