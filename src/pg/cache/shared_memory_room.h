// How much shared memory the segments of models may take.
#pragma once

#include <cstddef>
#include <optional>

namespace als::pg {

/// Bytes that are free where the server makes its dynamic shared memory, or nothing where that
/// cannot be told.
std::optional<std::size_t> free_shared_memory();

/// How much of it the segments may take in all, if they have so many bytes of it now and so many
/// are free: half, and never so much that a parallel hash join with the default settings would find
/// no room.
std::size_t our_share(std::optional<std::size_t> free, std::size_t ours);

}  // namespace als::pg
