// Keeps the planner from running functions of roles that the caller does not trust.
//
// The planner evaluates what is constant in the indexes, constraints and statistics of a table and
// of its parts. A look at these beforehand says so in time; but none of the locks that readers take
// keeps others from adding one after it.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// While it lasts, planning a statement that reads the table, of which a part at least belongs to a
/// role that the caller does not trust, fails (42501) where a function of such a role would be
/// called, or a foreign table of one would be part of the plan. InvalidOid: nothing more is guarded
/// than before. The first guard of a session installs the hooks of the server that it takes.
class PlanGuard {
 public:
  explicit PlanGuard(Oid table);
  ~PlanGuard();
  PlanGuard(const PlanGuard&) = delete;
  PlanGuard& operator=(const PlanGuard&) = delete;

 private:
  Oid outer_;
};

}  // namespace als::pg
