// Chunks that a session has unpacked, for the steps that follow.
#pragma once

#include <memory>

#include "core/parts/weighed_chunk.h"
#include "pg/steps/stored_chunk.h"

namespace als::pg {

/// The rows of a chunk as they were unpacked in an earlier statement of the transaction, if they
/// were and there was room: chunks are kept as long as they take a quarter of als.max_memory at
/// most. Others are unpacked. Throws InvalidBytes.
std::shared_ptr<WeighedChunk> unpacked_by_user(const StoredChunk& chunk);
std::shared_ptr<const ChunkByItem> unpacked_by_item(const StoredChunk& chunk);

/// Keeps a chunk before it is packed, if there is room: returns the number by which it is found, or
/// 0. As with slices, all steps of a chunk are taken by the session that has packed it.
std::uint64_t keep_chunk(UnpackedChunk& chunk);

/// No step needs it any more.
void forget_chunk(const StoredChunk& chunk);

/// The half of it by item, which is half of its memory.
void forget_by_item(const StoredChunk& chunk);

}  // namespace als::pg
