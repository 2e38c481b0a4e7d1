// The als.* settings.
#pragma once

#include <cstddef>

namespace als::pg {

/// Registers the settings; called once, when the module is loaded.
void define_settings();

/// als.threads, or one for each processor that this process may use where it is 0.
int default_threads();

/// als.max_memory in bytes, or half of the machine's or container's memory where it is -1.
std::size_t max_memory();

/// als.cache_size in bytes.
std::size_t cache_size();

/// als.verbose: report each iteration at NOTICE instead of DEBUG1.
bool verbose();

}  // namespace als::pg
