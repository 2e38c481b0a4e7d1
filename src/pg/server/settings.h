// The als.* settings.
#pragma once

#include <cstddef>

namespace als::pg {

/// Registers the settings when the module is loaded; where that takes long and none has been set,
/// all but als.simd when one of them is first asked for, or before workers start.
void define_settings();

/// als.threads, or one for each processor that this process may use where it is 0; within
/// threads_limit().
int default_threads();

/// The most threads of a call, which an administrator sets: als.threads_limit.
int threads_limit();

/// als.max_memory in bytes, or half of the machine's or container's memory where it is -1; within
/// als.max_memory_limit, which an administrator sets.
std::size_t max_memory();

/// Whether it is als.max_memory_limit that max_memory() tells.
bool memory_is_limited();

/// als.cache_size in bytes.
std::size_t cache_size();

/// als.verbose: report each iteration at NOTICE instead of DEBUG1.
bool verbose();

}  // namespace als::pg
