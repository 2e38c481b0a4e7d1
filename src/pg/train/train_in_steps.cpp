// als.train_in_steps: als.train in transactions of its own, none of which lasts as long as the
// training.
//
//   step 1  checks that the model can be written, and reads the ratings
//   step 2  indexes them
//   step 3  sets up the factors, for a warm start from those of the model
//   step 4  trains: no snapshot, no transaction id, no lock on a table
//   step 5  writes, if the model is still the one that step 1 has seen
//
// A lock of the session holds other trainings of the model off from the first step to the last. The
// server releases it itself where a step fails, and nothing is written before the last one.

#include "pg/train/train_in_steps.h"

#include "pg/server/may_write.h"
#include "pg/server/memory_context.h"
#include "pg/server/short_lived_resources.h"
#include "pg/sql/transaction_steps.h"
#include "pg/train/training.h"

namespace als::pg {

namespace {

void check_and_read(Training& training, ModelWriter& model, Oid there,
                    const TrainRequest& request) {
  run_and_undo([&] {
    if (OidIsValid(there))
      model.lock_model(there);
    else
      model.lock(request.replace);
    training.describe();
    ModelWriter made = model;
    made.prepare_tables(training.source().id_types, request.unlogged, request.replace_ids);
  });
  training.read();
}

/// What has been read must still be what the model row says that it is.
void check_source(const DescribedSource& read, MemoryContext context) {
  const DescribedSource now = describe_source(read, context);
  if (now.id_types.users->collated() == read.id_types.users->collated() &&
      now.id_types.items->collated() == read.id_types.items->collated())
    return;
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  "the ids of the source have changed their type while the model was trained",
                  "Nothing was written. Train again.");
}

}  // namespace

void train_in_steps(const std::string& name, Oid there,
                    const std::function<TrainRequest()>& make_request) {
  OwnedMemoryContext context("als training in steps");
  ModelWriter model(name);
  Progress progress(Command::kTrain, model.target_table());
  begin_next_step();
  model.target_table().take_turn();
  take_step_snapshot();
  // als.drop_model waits for whoever has read the model's row, and is waited for below.
  ShortLivedResources locks;
  const TrainRequest request = make_request();
  locks.release();
  Training training(request, model, progress, context.get());
  check_and_read(training, model, there, request);

  begin_next_step();
  take_step_snapshot();
  training.index();

  begin_next_step();
  training.start();

  begin_next_step();
  training.iterate();

  begin_next_step();
  progress.enter(Phase::kWriting);
  model.lock_unchanged(request.replace);
  take_step_snapshot();
  check_source(training.source(), context.get());
  training.prepare_tables();
  training.write();

  end_last_step();
  model.target_table().end_turn();
  progress.hide();
}

}  // namespace als::pg

ALS_SQL_FUNCTION(als_train_in_steps)

/// als.train_in_steps(...), see sql/als--1.1.sql
Datum als_train_in_steps(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    require_own_transactions(fcinfo, "als.train_in_steps");
    check_may_write("als.train_in_steps()");
    TrainRequest request = train_request(fcinfo);
    SpiConnection spi(SpiConnection::Mode::kMayCommit);
    train_in_steps(request.model, InvalidOid, [&] { return request; });
    spi.finish();
    return static_cast<Datum>(0);
  });
}
