// The block of a step, which a session keeps for the chunks that lie with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "core/parts/item_block.h"
#include "core/pieces/bytes.h"

namespace als::pg {

/// What a step tells all chunks.
struct KeptBlock {
  Bytes step;
  ItemBlock block;                 ///< of all slices
  std::set<std::uint32_t> slices;  ///< that this session has itself
};

/// Keeps pieces of the block of a step, of any of its slices, to the end of the transaction or
/// until there are pieces of another block. No step: the one that came with the
/// pieces before. own: of slices that
/// this session has. Throws InvalidBytes.
void keep_pieces(ByteView pieces, const std::optional<ByteView>& step, bool own);

/// The block of the last step that there were pieces of. Throws InvalidBytes where some are
/// missing.
std::shared_ptr<const KeptBlock> kept_block();

}  // namespace als::pg
