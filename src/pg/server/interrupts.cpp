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

/// Termination in the middle of a call of the server ends the process there. Helpers may be at work
/// meanwhile, on memory that goes with it.
void watch_end_of_process() {
  static bool watching = false;
  if (watching) return;
  server([] { before_shmem_exit([](int, Datum) { ThreadTeam::leave_loops(); }, 0); });
  watching = true;
}

}  // namespace

ThreadTeam interruptible_team(int threads) {
  watch_end_of_process();
  return ThreadTeam(
      threads, [] { return InterruptPending != 0 || is_orphaned(); },
      [] { server([] { check_for_interrupts(); }); });
}

}  // namespace als::pg
