// Polls for interrupts while threads work.
#include "pg/server/interrupts.h"

#include "pg/server/guard.h"

namespace als::pg {

ThreadTeam interruptible_team(int threads) {
  return ThreadTeam(
      threads, [] { return InterruptPending != 0; },
      [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
}

}  // namespace als::pg
