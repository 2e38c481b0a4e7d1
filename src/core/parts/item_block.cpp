// Unpacks blocks, and keeps them up to date.
#include "core/parts/item_block.h"

#include <algorithm>
#include <utility>

#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/pieces/factor_bytes.h"
#include "core/pieces/rounded_factors.h"
#include "core/pieces/step_head.h"

namespace als {

Bytes BlockPiece::bytes(const PartsTraining& training) const {
  PieceWriter writer(
      Piece::kBlock,
      2 * factor_bytes(vectors.matrix.rows(), training.options) + rows.size() * 4 + 256, slice);
  put_training(training, writer);
  writer.put(number);
  writer.put(users);
  writer.put(static_cast<std::uint8_t>(kind));
  writer.put(static_cast<std::uint8_t>(changes ? 1 : 0));
  writer.put(static_cast<std::uint32_t>(vectors.matrix.rows()));
  writer.put(static_cast<std::uint32_t>(rows.size()));
  writer.put(rows);
  if (changes)
    writer.put(lengths);
  else if (are_directions(kind))
    put_rounded_factors(vectors, columns, writer);
  else
    put_factors(vectors, writer);
  if (kind == BlockKind::kCandidates) put_factors(second_vectors, writer);
  return writer.take();
}

BlockPiece BlockPiece::read(PieceReader& reader, const PartsTraining& training) {
  BlockPiece piece{};
  piece.slice = reader.slice();
  piece.number = reader.get<std::uint64_t>();
  piece.users = reader.get<std::uint64_t>();
  const auto kind = reader.get<std::uint8_t>();
  const auto changes = reader.get<std::uint8_t>();
  const std::size_t vectors = reader.get<std::uint32_t>();
  const std::size_t rows = reader.get<std::uint32_t>();
  expect(kind <= static_cast<std::uint8_t>(BlockKind::kCandidates) && changes <= 1 &&
             piece.slice < training.slices(),
         "a block of items is out of range");
  piece.kind = static_cast<BlockKind>(kind);
  piece.changes = changes == 1;
  const std::size_t size = training.slice_size(piece.slice);
  if (piece.kind == BlockKind::kFactors) {
    expect(vectors == (piece.changes ? 0 : size) && (piece.changes || rows == 0),
           "a block lacks items");
  } else {
    expect(vectors == rows && !piece.changes, "a block is out of range");
  }
  expect(rows <= reader.left() / sizeof(std::uint32_t), "a piece is shorter than its contents");
  piece.rows.resize(rows);
  reader.get(piece.rows.data(), rows);
  for (std::size_t row = 0; row < rows; ++row) {
    expect(piece.rows[row] < (row + 1 < rows ? piece.rows[row + 1] : size),
           "the items of a block are not in order");
  }
  if (piece.changes)
    piece.lengths = read_lengths(reader, size);
  else if (are_directions(piece.kind))
    piece.vectors = read_rounded_factors(reader, vectors, training.options).factors;
  else
    piece.vectors = read_factors(reader, vectors, training.options);
  if (piece.kind == BlockKind::kCandidates)
    piece.second_vectors = read_factors(reader, vectors, training.options);
  reader.end();
  return piece;
}

ItemBlock::ItemBlock() : contents_(new Contents) {}
ItemBlock::~ItemBlock() = default;
ItemBlock::ItemBlock(const ItemBlock& other) : contents_(new Contents(*other.contents_)) {}
ItemBlock::ItemBlock(ItemBlock&&) noexcept = default;
ItemBlock& ItemBlock::operator=(ItemBlock&&) noexcept = default;

const PartsTraining& ItemBlock::training() const { return contents_->training; }

bool ItemBlock::has_changes() const { return contents_->changes; }

bool ItemBlock::has_factors() const {
  return contents_->is_whole() && contents_->kind == BlockKind::kFactors && !contents_->changes;
}

void ItemBlock::add(ByteView pieces) {
  while (!pieces.empty()) {
    PieceReader reader(pieces, Piece::kBlock);
    const PartsTraining training = read_training(reader);
    contents_->add(training, BlockPiece::read(reader, training));
  }
}

void ItemBlock::reserve(std::size_t bytes) {
  // Numbers of directions, the smallest, have two bytes.
  FactorMatrix& vectors = contents_->vectors.matrix;
  if (vectors.cols() > 0)
    vectors.reserve_rows(
        std::min<std::size_t>(bytes / (2 * vectors.cols()), contents_->training.items));
}

bool ItemBlock::has_directions() const { return are_directions(contents_->kind); }

void ItemBlock::follow(ItemBlock&& last, const std::vector<const ItemBlock*>& directions,
                       ByteView step, ThreadTeam& team) {
  const StepHead head = StepHead::read(step);
  Contents& now = *contents_;
  Contents& before = *last.contents_;
  expect(
      now.is_whole() && now.changes && head.training == now.training && head.number == now.number,
      "a block of another step of the training");
  expect(last.has_factors() && before.training == now.training && before.number == head.users,
         "this session has not got the block that came before");
  std::vector<StepLengths> left = now.lengths;
  for (const ItemBlock* block : directions) {
    const Contents& along = block->contents();
    expect(block->has_directions() && along.is_whole() && along.training == now.training &&
               along.users == before.number,
           "directions of another half-step of the training");
    float StepLengths::*const length =
        along.kind == BlockKind::kDirections ? &StepLengths::product : &StepLengths::curvature;
    for (std::size_t row = 0; row < along.rows(); ++row) {
      const std::uint32_t item = along.items[row];
      step_along(along.vectors, row, std::exchange(left[item].*length, 0.0F), before.vectors, item);
    }
  }
  for (const StepLengths& length : left)
    expect(length.product == 0 && length.curvature == 0,
           "this session has not got all directions of a half-step");
  Factors vectors = std::move(before.vectors);
  *last.contents_ = {};
  for (const std::uint32_t item : now.items) clear_row(vectors, item);
  transform(vectors.matrix, transform_of(head.items_turn, head.factors()), team);
  now.vectors = std::move(vectors);
  now.lengths.clear();
  now.items.clear();
  now.changes = false;
}

void ItemBlock::Contents::add(const PartsTraining& its_training, BlockPiece&& piece) {
  if (empty()) {
    training = its_training;
    number = piece.number;
    users = piece.users;
    kind = piece.kind;
    changes = piece.changes;
    first_slice = end_slice = piece.slice;
    lengths = std::move(piece.lengths);
    vectors = std::move(piece.vectors);
    second_vectors = std::move(piece.second_vectors);
  } else {
    expect(its_training == training && piece.number == number && piece.users == users &&
               piece.kind == kind && piece.changes == changes,
           "a block is made of pieces of different steps");
    expect(piece.slice == end_slice, "the slices of a block must follow each other");
    const auto append = [](Factors& all, const Factors& more) {
      all.matrix.append_rows(more.matrix);
      all.bias.insert(all.bias.end(), more.bias.begin(), more.bias.end());
    };
    lengths.insert(lengths.end(), piece.lengths.begin(), piece.lengths.end());
    append(vectors, piece.vectors);
    append(second_vectors, piece.second_vectors);
  }
  for (const std::uint32_t row : piece.rows) {
    items.push_back(piece.slice * training.slice_items + row);
  }
  ends.push_back(changes ? lengths.size() : rows());
  ++end_slice;
}

}  // namespace als
