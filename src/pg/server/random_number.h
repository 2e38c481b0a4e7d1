// Numbers that nobody can guess, and names made of them.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

inline std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (!server([&] { return pg_strong_random(&number, sizeof(number)); }))
    throw UserError(ERRCODE_INTERNAL_ERROR, "there is no random number to be had");
  return number;
}

/// What the names of tables begin with that last no longer than the call that makes them: digits
/// that nobody has drawn before.
inline std::string scratch_prefix() {
  return format("als_%016llx_", static_cast<unsigned long long>(random_number()));
}

}  // namespace als::pg
