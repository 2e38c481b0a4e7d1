// Unpacks blocks.
#include "core/parts/item_block.h"

#include "core/parts/block_contents.h"
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
  writer.put(static_cast<std::uint32_t>(vectors.matrix.rows()));
  if (kind != BlockKind::kFactors) writer.put(rows);
  put_factors(vectors, writer);
  if (kind == BlockKind::kCandidates) put_factors(second_vectors, writer);
  return writer.take();
}

ItemBlock::ItemBlock() : contents_(new Contents) {}
ItemBlock::~ItemBlock() = default;
ItemBlock::ItemBlock(ItemBlock&&) noexcept = default;

const PartsTraining& ItemBlock::training() const { return contents_->training; }

void ItemBlock::add(ByteView pieces) {
  while (!pieces.empty()) {
    PieceReader reader(pieces, Piece::kBlock);
    const PartsTraining training = read_training(reader);
    BlockPiece piece{};
    piece.slice = reader.slice();
    piece.number = reader.get<std::uint64_t>();
    piece.users = reader.get<std::uint64_t>();
    const auto kind = reader.get<std::uint8_t>();
    const std::size_t n = reader.get<std::uint32_t>();
    expect(kind <= static_cast<std::uint8_t>(BlockKind::kCandidates) &&
               piece.slice < training.slices(),
           "a block of items is out of range");
    piece.kind = static_cast<BlockKind>(kind);
    const std::size_t size = training.slice_size(piece.slice);
    if (piece.kind == BlockKind::kFactors) {
      expect(n == size, "a block lacks items");
    } else {
      expect(n <= reader.left() / sizeof(std::uint32_t), "a piece is shorter than its contents");
      piece.rows.resize(n);
      reader.get(piece.rows.data(), n);
      for (std::size_t row = 0; row < n; ++row) {
        expect(piece.rows[row] < (row + 1 < n ? piece.rows[row + 1] : size),
               "the items of a block are not in order");
      }
    }
    piece.vectors = read_factors(reader, n, training.options);
    if (piece.kind == BlockKind::kCandidates) {
      piece.second_vectors = read_factors(reader, n, training.options);
    }
    reader.end();
    contents_->add(training, std::move(piece));
  }
}

void ItemBlock::Contents::add(const PartsTraining& its_training, BlockPiece&& piece) {
  if (empty()) {
    training = its_training;
    key = key_of(training);
    number = piece.number;
    users = piece.users;
    kind = piece.kind;
    first_slice = end_slice = piece.slice;
    vectors = std::move(piece.vectors);
    second_vectors = std::move(piece.second_vectors);
  } else {
    expect(key_of(its_training) == key && piece.number == number && piece.users == users &&
               piece.kind == kind,
           "a block is made of pieces of different steps");
    expect(piece.slice == end_slice, "the slices of a block must follow each other");
    const auto append = [](Factors& all, const Factors& more) {
      all.matrix.append_rows(more.matrix);
      all.bias.insert(all.bias.end(), more.bias.begin(), more.bias.end());
    };
    append(vectors, piece.vectors);
    append(second_vectors, piece.second_vectors);
  }
  for (const std::uint32_t row : piece.rows) {
    items.push_back(piece.slice * training.slice_items + row);
  }
  ends.push_back(rows());
  ++end_slice;
}

}  // namespace als
