// Whose code a caller may be made to run.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Whether what this role owns may run, or be acted on, without the caller naming it: the caller
/// itself, a superuser, or a role that the caller is a member of. That a superuser may do what any
/// role may does not make it trust that role.
bool is_trusted_by_caller(Oid role);

}  // namespace als::pg
