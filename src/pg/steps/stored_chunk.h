// A chunk as the workspace keeps it: its ratings, those kept out, and what a training has to know.
#pragma once

#include "core/chunks/chunk_rows.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

/// What stands in front of it.
struct ChunkHead {
  std::uint64_t duplicates;
  std::uint64_t by_user;   ///< bytes of each piece
  std::uint64_t held_out;  ///< 0 if none are
  std::uint64_t by_item;
  std::uint64_t kept;  ///< the number by which the session finds the ratings, of which the bytes
                       ///< have the facts alone then; or 0
  float lowest;        ///< of the ratings, before duplicates were merged
  float highest;
};

/// The ratings are kept in the session where there is room for them, see kept_chunks.h, and else in
/// the bytes.
bytea* store_chunk(UnpackedChunk&& chunk, std::pair<float, float> range,
                   const std::vector<std::uint64_t>& user_keys);

/// An argument that is a stored chunk, of which no more is read than each step needs. Throws
/// InvalidBytes.
class StoredChunk {
 public:
  StoredChunk(FunctionCallInfo fcinfo, int index);

  const ChunkHead& head() const { return head_; }
  ChunkFacts facts() const { return facts_of_chunk(slice(0, kChunkFactsBytes)); }

  ByteView by_user() const { return slice(0, head_.by_user); }
  ByteView held_out() const { return slice(head_.by_user, head_.held_out); }
  ByteView by_item() const { return slice(head_.by_user + head_.held_out, head_.by_item); }

  /// Of each half so much that facts_of_chunk() and fingerprint_of_chunk() can be told.
  ByteView first_by_user() const { return slice(0, kChunkFactsBytes); }
  ByteView first_by_item() const { return slice(head_.by_user + head_.held_out, kChunkFactsBytes); }
  std::vector<std::uint64_t> user_keys() const;

 private:
  /// Of what comes behind the head: fewer bytes where it ends.
  ByteView slice(std::uint64_t from, std::uint64_t n) const;
  FunctionCallInfo fcinfo_;
  int index_;
  ChunkHead head_;
};

/// The keys of ids, an array of bigint that may be null: none then. Throws InvalidBytes for null
/// keys.
std::vector<std::uint64_t> keys_arg(FunctionCallInfo fcinfo, int index);

}  // namespace als::pg
