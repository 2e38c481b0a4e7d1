// Gathers the pieces of a block as they come, and unpacks it once.
#include "pg/steps/kept_block.h"

#include <map>
#include <vector>

#include "core/pieces/pieces.h"
#include "core/pieces/step_head.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

/// Either pieces or what they have become.
struct BlockInPieces {
  std::uint32_t slices = 0;
  Bytes step;
  std::map<std::uint32_t, Bytes> pieces;
  std::set<std::uint32_t> own;
  std::shared_ptr<const KeptBlock> whole;
  // The last of the items' factors, and the directions since, for their changes.
  std::shared_ptr<KeptBlock> factors;
  std::vector<std::shared_ptr<const KeptBlock>> directions;
};

/// The items' factors of a block, which is of no use any more, or which somebody still has; an
/// empty block if there is none.
ItemBlock taken(std::shared_ptr<KeptBlock>&& block) {
  if (block == nullptr) return {};
  ItemBlock factors = block.use_count() == 1 ? std::move(block->block) : ItemBlock(block->block);
  block.reset();
  return factors;
}

/// Begins the block of this step, unless it has begun. All pieces come before the block is asked
/// for. So pieces that come later are of another block, perhaps of a training like the last, which
/// failed and was rolled back.
void begin_block(ByteView step, BlockInPieces& kept) {
  if (kept.step == step && kept.whole == nullptr) return;
  const StepHead head = StepHead::read(step);
  kept = {head.training.slices(),    Bytes(step), {}, {}, nullptr, std::move(kept.factors),
          std::move(kept.directions)};
}

std::shared_ptr<const KeptBlock> whole_block(BlockInPieces& kept) {
  expect(kept.slices > 0 && kept.pieces.size() == kept.slices,
         "this session has not got all pieces of a block");
  auto block = std::make_shared<KeptBlock>();
  block->step = std::move(kept.step);
  block->slices = std::move(kept.own);
  std::size_t bytes = 0;
  for (const auto& [slice, piece] : kept.pieces) bytes += piece.size();
  for (auto& [slice, piece] : kept.pieces) {
    block->block.add(piece);
    if (slice == 0) block->block.reserve(bytes);
    Bytes().swap(piece);
  }
  kept.pieces.clear();
  if (block->block.has_changes()) {
    ThreadTeam team = interruptible_team(default_threads());
    std::vector<const ItemBlock*> directions;
    for (const auto& along : kept.directions) directions.push_back(&along->block);
    block->block.follow(taken(std::move(kept.factors)), directions, block->step, team);
  }
  if (block->block.has_directions()) kept.directions.push_back(block);
  if (block->block.has_factors()) {
    kept.factors = block;
    kept.directions.clear();
  }
  return block;
}

}  // namespace

void keep_pieces(ByteView pieces, const std::optional<ByteView>& step, bool own) {
  auto& kept = kept_to_end<BlockInPieces>();
  if (step) begin_block(*step, kept);
  expect(kept.slices > 0 && kept.whole == nullptr, "pieces without their step");
  while (!pieces.empty()) {
    const PieceFacts piece = take_piece(pieces);
    expect(piece.piece == Piece::kBlock && piece.slice < kept.slices, "not a piece of this block");
    kept.pieces[piece.slice] = piece.bytes;
    if (own) kept.own.insert(piece.slice);
  }
}

/// What fails half-way leaves nothing.
std::shared_ptr<const KeptBlock> kept_block() {
  auto& kept = kept_to_end<BlockInPieces>();
  if (kept.whole != nullptr) return kept.whole;
  try {
    return kept.whole = whole_block(kept);
  } catch (...) {
    kept = {};
    throw;
  }
}

}  // namespace als::pg
