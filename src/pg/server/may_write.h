// Whether this session may change the database.
#pragma once

namespace als::pg {

/// Throws 25006 in a read-only transaction and on a standby. `what`: who would write, as
/// "als.train()". To be called before any work.
void check_may_write(const char* what);

}  // namespace als::pg
