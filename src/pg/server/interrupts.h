// Threads for the work of a SQL function.
#pragma once

#include "core/base/thread_team.h"

namespace als::pg {

/// A team whose work the server can interrupt: cancel, timeouts, termination, and whatever else
/// another backend asks of this one.
ThreadTeam interruptible_team(int threads);

}  // namespace als::pg
