// Names of tables that last no longer than the call that makes them.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// What such names begin with: digits that nobody has drawn before.
inline std::string scratch_prefix() {
  std::uint64_t number = 0;
  server([&] {
    if (!pg_strong_random(&number, sizeof(number)))
      ereport(ERROR,
              (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
  });
  return format("als_%016llx_", static_cast<unsigned long long>(number));
}

}  // namespace als::pg
