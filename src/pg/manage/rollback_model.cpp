// als.rollback_model: the run before the newest serves again.

#include "pg/model/previous_run.h"
#include "pg/server/args.h"
#include "pg/server/may_write.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/result_rows.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"

ALS_SQL_FUNCTION(als_rollback_model)

/// als.rollback_model(model regclass): als.model
Datum als_rollback_model(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      check_may_write("als.rollback_model()");
      require_arg(fcinfo, 0, "model");
      const Oid table = PG_GETARG_OID(0);
      check_is_model(table);
      server([&] { check_owns_relation(table); });
      SpiConnection spi;
      ModelWriter model(table);
      model.lock_model(table);
      model.claim_turn();
      PreviousRun(model).restore();
      // What has been refreshed since has left no notes behind.
      server([&] { note_everything(recorded_queue(table)); });
      Datum result = result_row(fcinfo, context);
      spi.finish();
      return result;
    });
  });
}
