// Polls for interrupts while threads work.
#include "pg/server/interrupts.h"

#include "pg/server/guard.h"

namespace als::pg {

namespace {

bool is_orphaned() { return IsUnderPostmaster && !PostmasterIsAlive(); }

/// A server without its postmaster cannot be started again before the last of its processes has
/// ended. They do so, in these words, as soon as they wait for something, which we may not for
/// long.
void check_for_interrupts() {
  if (is_orphaned())
    ereport(FATAL, (errcode(ERRCODE_ADMIN_SHUTDOWN),
                    errmsg("terminating connection due to unexpected postmaster exit")));
  CHECK_FOR_INTERRUPTS();
}

}  // namespace

ThreadTeam interruptible_team(int threads) {
  return ThreadTeam(
      threads, [] { return InterruptPending != 0 || is_orphaned(); },
      [] { server([] { check_for_interrupts(); }); });
}

}  // namespace als::pg
