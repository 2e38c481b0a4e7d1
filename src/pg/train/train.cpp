// als.train: from a source of ratings to a model, in one transaction.
//
//   TrainRequest -> TrainingData (of RatingReader and Ratings) -> TrainingLoop -> ModelWriter
//
// The stages are apart so that each frees what the next does not need.

#include "core/base/stopwatch.h"
#include "core/train/training_loop.h"
#include "pg/server/interrupts.h"
#include "pg/server/result_rows.h"
#include "pg/server/settings.h"
#include "pg/train/holdout_metric.h"
#include "pg/train/run_record.h"
#include "pg/train/training_data.h"
#include "pg/train/warm_start.h"

namespace als::pg {

namespace {

void report_iteration(int iteration, int of, const TrainReport& report, double seconds) {
  int level = verbose() ? NOTICE : DEBUG1;
  std::string holdout =
      report.holdout.empty() ? "" : format(", held out %.6g", report.holdout.back());
  server([&] {
    ereport(level, (errmsg("als: iteration %d of %d: loss %.9g%s, %.2f s", iteration, of,
                           report.loss.back(), holdout.c_str(), seconds)));
  });
}

/// Runs the iterations; the factors stay in the training.
void iterate(TrainingLoop& training, const TrainRequest& request, const TrainingData& data,
             ThreadTeam& team, Progress& progress, TrainReport& report) {
  HoldoutMetric metric(request.options.feedback);
  Stopwatch watch;
  while (!training.finished()) {
    training.iterate();
    report.loss.push_back(training.loss().back());
    if (request.holdout > 0) report.holdout.push_back(metric.value(training.trainer(), data, team));
    progress.iteration(training.iterations(), report.loss.back());
    report_iteration(training.iterations(), request.options.iterations, report, watch.seconds());
    watch = Stopwatch();
  }
}

/// Where the training begins.
TrainingLoop::State start(const TrainRequest& request, const ModelWriter& store, bool warm,
                          const TrainingData& data, ThreadTeam& team) {
  TrainingLoop::State state =
      start_of_training(data.ratings().users(), data.item_keys(), request.options, team);
  if (warm) {
    SnapshotScope snapshot;
    Model model = read_model(store.table());
    check_warm_start(model, request.options);
    warm_start(model, Side::kUsers, data.reader().users(), data.user_rank(), request.options,
               state.users);
    warm_start(model, Side::kItems, data.reader().items(), data.item_rank(), request.options,
               state.items);
    snapshot.pop();
  } else if (request.warm_start) {
    server([&] {
      ereport(NOTICE, (errmsg("model %s does not exist yet: it starts from random factors",
                              store.target_table().relation().c_str())));
    });
  }
  return state;
}

void train(TrainRequest& request, ModelWriter& store, Progress& progress, MemoryContext context) {
  TrainReport report;
  store.lock(request.replace);
  report.warm_started = request.warm_start && OidIsValid(store.table());

  describe_source(request.source, context);
  // Before the work, so that a missing privilege shows at once.
  progress.hide();
  store.prepare_tables(request.source, request.unlogged);
  std::vector<TrainOptions> trainings{request.options};
  TrainingData data({request.source, request.on_duplicate, request.holdout, request.options.seed,
                     request.threads, "training", trainings},
                    progress);
  const Ratings& ratings = data.ratings();
  report.rows = data.rows();
  report.skipped = data.skipped();
  report.duplicates = static_cast<std::int64_t>(ratings.duplicates());
  report.held_out = static_cast<std::int64_t>(ratings.held_out().columns.size());
  report.ratings = static_cast<std::int64_t>(ratings.size());
  report.users = static_cast<std::int64_t>(ratings.users());
  report.items = static_cast<std::int64_t>(ratings.items());
  report.mean = ratings.mean();
  report.read_seconds = data.seconds();

  Stopwatch watch;
  progress.enter(Phase::kTraining);
  ThreadTeam team = interruptible_team(data.useful_threads(request.options));
  TrainingLoop training(ratings, request.options,
                        start(request, store, report.warm_started, data, team), team);
  iterate(training, request, data, team, progress, report);
  report.cg = training.trainer().cg();
  report.refined = static_cast<std::int64_t>(training.refined_rows());
  report.train_seconds = watch.seconds();

  watch = Stopwatch();
  progress.enter(Phase::kWriting);
  FactorFeed& users = data.users();
  FactorFeed& items = data.items();
  users.factors = &training.trainer().users();
  users.ratings = &ratings.by_user();
  items.factors = &training.trainer().items();
  items.ratings = &ratings.by_item();
  store.write_factors(Side::kUsers, users);
  store.write_factors(Side::kItems, items);
  report.write_seconds = watch.seconds();
  write_model_row(store, request, report);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_train)

/// als.train(...): als.model, see sql/als--1.1.sql
Datum als_train(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    MemoryContext context = CurrentMemoryContext;
    server([] {
      PreventCommandIfReadOnly("als.train()");
      PreventCommandDuringRecovery("als.train()");
    });
    TrainRequest request = train_request(fcinfo);
    SpiConnection spi;
    ModelWriter store(request.model);
    Progress progress(Command::kTrain, store.target_table().schema(),
                      store.target_table().relation());
    progress.expect(request.options.iterations);
    if (!request.source.rating_col && request.options.feedback == als::Feedback::kExplicit)
      server([] {
        ereport(WARNING, (errmsg("every rating is 1, from which explicit feedback learns nothing"),
                          errhint("Use feedback => 'implicit' for clicks, orders and the like.")));
      });
    train(request, store, progress, context);
    Datum result = result_row(fcinfo, context);
    progress.hide();
    spi.finish();
    return result;
  });
}
