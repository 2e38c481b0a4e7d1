// A chunk as the workspace keeps it: its ratings, those kept out, and what a training has to know.
#pragma once

#include "core/parts/chunk.h"
#include "pg/distribute/bytea_bytes.h"

namespace als::pg {

struct StoredChunk {
  std::uint64_t duplicates = 0;
  ByteView ratings;
  ByteView held_out;  ///< empty if none are
};

bytea* store_chunk(const PackedChunk& chunk);

/// Throws InvalidBytes.
StoredChunk read_chunk(ByteView stored);

/// What of a stored chunk its facts are read from.
inline constexpr std::size_t kFactsOfStoredChunk = 2 * sizeof(std::uint64_t) + kChunkFactsBytes;

/// The keys of ids, an array of bigint that may be null: none then.
std::vector<std::uint64_t> keys_arg(FunctionCallInfo fcinfo, int index);

}  // namespace als::pg
