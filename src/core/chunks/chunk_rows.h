// The ratings of a chunk, unpacked.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/chunks/chunk.h"
#include "core/data/compressed_rows.h"
#include "core/pieces/bytes.h"

namespace als {

/// Checks that a chunk is the next one of a part: `next` is the least number that it may have, and
/// then that of the one after it.
void check_order(const ChunkFacts& facts, std::uint32_t part, std::uint32_t items,
                 std::uint64_t& next);

/// What a chunk is packed of.
Bytes bytes_of(const ChunkFacts& facts);
Bytes by_user_bytes(const CompressedRows& rows);
RatingMoments moments_of(const UninitializedVector<float>& values);

/// Throws std::length_error beyond 1000 MB.
Bytes joined(Bytes first, const Bytes& second);

/// Takes the piece with the rows by user off some bytes.
CompressedRows read_by_user(ByteView& bytes, const ChunkFacts& facts);

/// Of PackedChunk::by_user: a row each user of the chunk, columns are items of the training.
CompressedRows rows_by_user(ByteView chunk, const ChunkFacts& facts);

/// Of PackedChunk::by_item: a row each item that has ratings in the chunk, columns are users of the
/// chunk.
struct ItemRows {
  UninitializedVector<std::uint32_t> items;  ///< of the rows, ascending
  CompressedRows rows;
};
ItemRows rows_by_item(ByteView chunk, const ChunkFacts& facts);

/// Both halves of a chunk, each with its facts.
struct ChunkByUser {
  explicit ChunkByUser(ByteView chunk)
      : facts(facts_of_chunk(chunk)), rows(rows_by_user(chunk, facts)) {}
  ChunkByUser(const ChunkFacts& facts, CompressedRows rows) : facts(facts), rows(std::move(rows)) {}
  std::size_t bytes() const { return rows.columns.size() * 8 + rows.offsets.size() * 8; }
  ChunkFacts facts;
  CompressedRows rows;
};
struct ChunkByItem {
  explicit ChunkByItem(ByteView chunk)
      : facts(facts_of_chunk(chunk)), matrix(rows_by_item(chunk, facts)) {}
  ChunkByItem(const ChunkFacts& facts, ItemRows matrix) : facts(facts), matrix(std::move(matrix)) {}
  std::size_t bytes() const {
    return matrix.rows.columns.size() * 8 + matrix.rows.offsets.size() * 8 +
           matrix.items.size() * 4;
  }
  ChunkFacts facts;
  ItemRows matrix;
};

/// A PackedChunk before it is packed.
struct UnpackedChunk {
  ChunkByUser by_user;
  ChunkByItem by_item;
  Bytes held_out;
  std::size_t duplicates;
};

/// A chunk of ratings of users 0 .. user_rank.size() - 1, for items 0 .. items - 1 of the training.
/// user_rank[u] is the canonical index in the chunk of the user that `rows` calls u, as for
/// Ratings: so the bytes do not depend on the order of the rows. So many users that their factors
/// are a few megabytes at most (thousands to ten thousands) make the steps fast. Throws
/// DuplicateRating, of users by canonical index.
UnpackedChunk make_chunk(ChunkId id, RatingBuffer&& rows,
                         const std::vector<std::uint32_t>& user_rank, std::uint32_t items,
                         OnDuplicate on_duplicate, ThreadTeam& team,
                         const ChunkHoldout* holdout = nullptr);

/// About 16 bytes a rating. Throws std::length_error beyond 1 GB.
PackedChunk packed(const UnpackedChunk& chunk);

}  // namespace als
