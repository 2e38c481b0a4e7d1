// A team of threads that stops for the server.
#pragma once

#include "core/thread_team.h"
#include "pg/guard.h"

namespace als::pg {

/// A team whose work the server can interrupt: cancel, timeouts, termination, and whatever else
/// another backend asks of this one.
inline ThreadTeam interruptible_team(int threads) {
  return ThreadTeam(
      threads, [] { return InterruptPending != 0; },
      [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
}

}  // namespace als::pg
