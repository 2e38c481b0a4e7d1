// Sets what statements of a training need, and takes it back.
#include "pg/distribute/bulk_settings.h"

#include "pg/server/guard.h"

namespace als::pg {

namespace {

void set(const char* name, const char* value) {
  set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace

BulkSettings::BulkSettings(bool distributed)
    : level_(server([&] {
        const int level = NewGUCNestLevel();
        // Plans of few rows that look costly, because of the functions in them.
        set("jit", "off");
        // Ratings are grouped once, as for an index.
        if (maintenance_work_mem > work_mem) set("work_mem", psprintf("%d", maintenance_work_mem));
        if (distributed) {
          // Statements must read what others of their transaction have written, which Citus would
          // spread over several connections to a machine. With one, each uses threads of its own.
          set("citus.multi_shard_modify_mode", "sequential");
          set("citus.max_adaptive_executor_pool_size", "1");
        }
        return level;
      })) {}

void BulkSettings::end() {
  server([&] { AtEOXact_GUC(true, level_); });
}

}  // namespace als::pg
