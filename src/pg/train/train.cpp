// als.train: from a source of ratings to a model, in one transaction.

#include "pg/server/may_write.h"
#include "pg/source/relations_read.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/result_rows.h"
#include "pg/train/training.h"

ALS_SQL_FUNCTION(als_train)

/// als.train(...): als.model, see sql/als--1.1.sql
Datum als_train(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      check_may_write("als.train()");
      const TrainRequest request = train_request(fcinfo);
      SpiConnection spi;
      ModelWriter model(request.model);
      const std::vector<RelationLock> read = relations_read(request.sources());
      Progress progress(Command::kTrain, model.target_table());
      progress.expect(request.options.iterations);  // is seen while it waits for others, too
      model.lock(request.replace, read);
      model.claim_turn();
      run_training(request, model, progress, context);
      Datum result = result_row(fcinfo, context);
      progress.hide();
      spi.finish();
      return result;
    });
  });
}
