// Numbers that nobody can guess.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

inline std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (!server([&] { return pg_strong_random(&number, sizeof(number)); }))
    throw UserError(ERRCODE_INTERNAL_ERROR, "there is no random number to be had");
  return number;
}

}  // namespace als::pg
