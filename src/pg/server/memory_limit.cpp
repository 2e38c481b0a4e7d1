// Compares what is needed with als.max_memory.
#include "pg/server/memory_limit.h"

#include "pg/server/settings.h"

namespace als::pg {

std::string in_megabytes(std::size_t bytes) {
  return format("%zu MB", (bytes + 1048575) / 1048576);
}

void check_memory_limit(const char* what, std::size_t need, const char* or_else,
                        std::string detail) {
  std::size_t limit = max_memory();
  if (need <= limit) return;
  throw UserError(
      ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
      format("%s needs at least %s, more than %s allows (%s)", what, in_megabytes(need).c_str(),
             memory_is_limited() ? "als.max_memory_limit" : "als.max_memory",
             in_megabytes(limit).c_str()),
      std::string(memory_is_limited() ? "Ask an administrator to raise als.max_memory_limit"
                                      : "Raise als.max_memory") +
          or_else,
      std::move(detail));
}

}  // namespace als::pg
