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
#include "pg/source/relations_read.h"
#include "pg/sql/transaction_steps.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"
#include "pg/train/training.h"

namespace als::pg {

namespace {

/// What would fail at the end fails at the beginning.
void check(ModelWriter& model, Oid there, bool replace, const std::vector<RelationLock>& read,
           const std::function<TrainRequest()>& make_request, MemoryContext context) {
  run_and_undo([&] {
    if (OidIsValid(there))
      model.lock_model(there, read);
    else
      model.lock(replace, read);
    const TrainRequest request = make_request();
    const DescribedSource source = describe_source(request.source, context);
    ModelWriter made = model;
    made.prepare_tables(source.id_types, request.unlogged, request.replace_ids);
  });
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

void train_in_steps(ModelWriter model, Oid there, bool replace,
                    const std::function<std::vector<RelationLock>()>& find_read,
                    const std::function<TrainRequest()>& make_request) {
  OwnedMemoryContext context("als training in steps");
  Progress progress(Command::kTrain, model.target_table());
  model.check_may_begin(replace);
  begin_next_step();
  model.target_table().take_turn();
  take_step_snapshot();
  std::vector<RelationLock> read;
  progress.hide_during([&] { read = find_read(); });
  check(model, there, replace, read, make_request, context.get());
  // Once more: the model is not locked any more, so that the source may have become another.
  const TrainRequest request = make_request();
  Training training(request, model, progress, context.get());
  training.describe();
  training.read();

  begin_next_step();
  take_step_snapshot();
  training.index();

  begin_next_step();
  training.start();

  begin_next_step();
  training.iterate();

  begin_next_step();
  progress.enter(Phase::kWriting);
  progress.hide_during([&] { read = relations_read({training.source()}); });
  model.lock_unchanged(replace, read);
  take_step_snapshot();
  check_source(training.source(), context.get());
  training.prepare_tables();
  training.write();
  // What has been refreshed since the ratings were read has left no notes behind.
  server([&] { note_everything(recorded_queue(model.table())); });

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
    train_in_steps(
        ModelWriter(request.model), InvalidOid, request.replace,
        [&] { return relations_read(request.sources()); }, [&] { return request; });
    spi.finish();
    return static_cast<Datum>(0);
  });
}
