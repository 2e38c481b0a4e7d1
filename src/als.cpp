// The module's magic block and start-up.
#include "pg/server/pg.h"
#include "pg/server/plan_guard.h"
#include "pg/server/settings.h"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);  // NOLINT(bugprone-reserved-identifier): the server's name for it
}

void _PG_init(void) {
  als::pg::define_settings();
  als::pg::install_plan_guard();
}
