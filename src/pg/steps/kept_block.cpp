// Gathers the pieces of a block as they come, and unpacks it once.
#include "pg/steps/kept_block.h"

#include <map>

#include "core/pieces/pieces.h"
#include "core/pieces/step_head.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

/// Either pieces or what they have become.
struct BlockInPieces {
  std::uint64_t training = 0;
  std::uint64_t number = 0;
  std::uint32_t slices = 0;
  Bytes step;
  std::map<std::uint32_t, Bytes> pieces;
  std::shared_ptr<const KeptBlock> whole;
};

}  // namespace

void keep_pieces(ByteView pieces, ByteView step) {
  const StepHead head = StepHead::read(step);
  const std::uint64_t training = key_of(head.training);
  auto& kept = kept_to_end<BlockInPieces>();
  if (kept.training != training || kept.number != head.block || kept.slices == 0)
    kept = {training, head.block, head.training.slices(), Bytes(step), {}, nullptr};
  while (!pieces.empty()) {
    const PieceFacts piece = take_piece(pieces);
    expect(piece.piece == Piece::kBlock && piece.slice < kept.slices, "not a piece of this block");
    kept.pieces[piece.slice] = piece.bytes;
  }
}

std::shared_ptr<const KeptBlock> kept_block() {
  auto& kept = kept_to_end<BlockInPieces>();
  if (kept.whole != nullptr) return kept.whole;
  expect(kept.slices > 0 && kept.pieces.size() == kept.slices,
         "this session has not got all pieces of a block");
  auto block = std::make_shared<KeptBlock>();
  block->step = std::move(kept.step);
  for (auto& [slice, piece] : kept.pieces) {
    block->block.add(piece);
    Bytes().swap(piece);
  }
  kept.pieces.clear();
  return kept.whole = block;
}

}  // namespace als::pg
