// The module's magic block and start-up.
#include "pg/server/pg.h"
#include "pg/server/settings.h"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);  // NOLINT(bugprone-reserved-identifier): the server's name for it
}

// Takes no hooks: Citus wants to be the first to do so, wherever als is preloaded before it.
void _PG_init(void) { als::pg::define_settings(); }
