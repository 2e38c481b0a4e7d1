// Sets what statements of a training need.
#include "pg/distribute/bulk_settings.h"

namespace als::pg {

LocalSettings bulk_settings(bool distributed) {
  LocalSettings settings;
  // Plans of few rows that look costly, because of the functions in them.
  settings.set("jit", "off");
  // Ratings are grouped once, as for an index.
  if (maintenance_work_mem > work_mem)
    settings.set("work_mem", std::to_string(maintenance_work_mem).c_str());
  // Ids that go to other servers do so as text.
  settings.set("datestyle", "ISO, MDY");
  settings.set("intervalstyle", "postgres");
  settings.set("extra_float_digits", "3");
  if (distributed) {
    // Citus plans statements with the values of their parameters, and writes these as literals.
    settings.set("plan_cache_mode", "force_custom_plan");
    settings.set("standard_conforming_strings", "on");
    // Statements must read what others of their transaction have written, which Citus would
    // spread over several connections to a machine. With one, each uses threads of its own.
    settings.set("citus.multi_shard_modify_mode", "sequential");
    settings.set("citus.max_adaptive_executor_pool_size", "1");
    // What a step makes of a chunk is in one session, which the next step asks for it.
    settings.set("citus.shard_replication_factor", "1");
  }
  return settings;
}

}  // namespace als::pg
