// Reads chunks, and believes nothing.
#include "core/chunks/chunk_rows.h"

#include <cmath>

#include "core/base/splitmix.h"
#include "core/pieces/pieces.h"

namespace als {
namespace {

/// Columns and values of rows whose sizes come before them.
CompressedRows read_rows(PieceReader& reader, std::size_t rows, std::uint64_t ratings,
                         std::uint32_t columns) {
  const UninitializedVector<std::uint32_t> sizes = reader.get_all<std::uint32_t>(rows);
  CompressedRows matrix;
  matrix.offsets.resize(rows + 1);
  for (std::size_t r = 0; r < rows; ++r) matrix.offsets[r + 1] = matrix.offsets[r] + sizes[r];
  expect(matrix.offsets.back() == ratings, "a chunk has other ratings than it says");
  matrix.columns = reader.get_all<std::uint32_t>(ratings);
  matrix.values = reader.get_all<float>(ratings);
  reader.end();

  bool valid = true;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::uint64_t begin = matrix.offsets[r];
    const std::uint64_t end = matrix.offsets[r + 1];
    for (std::uint64_t e = begin + 1; e < end; ++e) {
      valid &= matrix.columns[e - 1] < matrix.columns[e];
    }
    valid &= begin == end || matrix.columns[end - 1] < columns;
  }
  expect(valid, "the ratings of a chunk are not in order");
  expect_finite(matrix.values.data(), matrix.values.size());
  return matrix;
}

}  // namespace

ChunkFacts facts_of_chunk(ByteView chunk) {
  PieceReader reader(chunk, Piece::kChunk);
  ChunkFacts facts{};
  facts.id.part = reader.get<std::uint32_t>();
  facts.id.number = reader.get<std::uint32_t>();
  facts.users = reader.get<std::uint32_t>();
  facts.items = reader.get<std::uint32_t>();
  facts.moments.count = reader.get<std::uint64_t>();
  facts.moments.mean = reader.get<double>();
  facts.moments.squares = reader.get<double>();
  reader.end();
  expect(std::isfinite(facts.moments.mean) && facts.moments.squares >= 0 &&
             std::isfinite(facts.moments.squares),
         "the moments of a chunk are not finite");
  return facts;
}

std::uint64_t fingerprint_of_chunk(ByteView chunk) {
  const std::uint64_t facts = take_piece(chunk).checksum;
  return splitmix(facts) ^ checksum_of_piece(chunk);
}

void check_order(const ChunkFacts& facts, std::uint32_t part, std::uint32_t items,
                 std::uint64_t& next) {
  expect(facts.id.part == part, "a chunk of another part");
  expect(facts.items == items, "a chunk of another training");
  expect(facts.id.number >= next,
         "the chunks of a part must come in the order of their numbers, each once");
  next = std::uint64_t{facts.id.number} + 1;
}

CompressedRows read_by_user(ByteView& bytes, const ChunkFacts& facts) {
  PieceReader reader(bytes, Piece::kByUser);
  return read_rows(reader, facts.users, facts.moments.count, facts.items);
}

CompressedRows rows_by_user(ByteView chunk, const ChunkFacts& facts) {
  take_piece(chunk);
  CompressedRows rows = read_by_user(chunk, facts);
  expect(chunk.empty(), "a chunk with something behind it");
  return rows;
}

ItemRows rows_by_item(ByteView chunk, const ChunkFacts& facts) {
  take_piece(chunk);
  PieceReader reader(chunk, Piece::kByItem);
  expect(chunk.empty(), "a chunk with something behind it");
  ItemRows matrix;
  const auto items = reader.get<std::uint64_t>();
  matrix.items = reader.get_all<std::uint32_t>(items);
  bool valid = true;
  for (std::size_t r = 1; r < items; ++r) valid &= matrix.items[r - 1] < matrix.items[r];
  valid &= items == 0 || matrix.items.back() < facts.items;
  expect(valid, "the items of a chunk are not in order");
  matrix.rows = read_rows(reader, items, facts.moments.count, facts.users);
  return matrix;
}

}  // namespace als
