// als.max_memory, for those who take memory.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// Bytes as messages tell them.
std::string in_megabytes(std::size_t bytes);

/// Throws 53400 if `need` bytes are more than als.max_memory allows. `what` begins the message:
/// "training"; `or_else` ends the hint to raise the setting: ", or train with fewer factors.".
void check_memory_limit(const char* what, std::size_t need, const char* or_else,
                        std::string detail);

}  // namespace als::pg
