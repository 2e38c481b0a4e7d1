// als.tune: which options of als.train do best on ratings kept out of the training.
//
//   TuneRequest -> TrainingData -> Tuner (of Trainings) -> rows, TuneResults
//
// The ratings are read once, and all trials share them.

#include "core/tune/tuner.h"

#include "core/base/stopwatch.h"
#include "core/data/rating_statistics.h"
#include "pg/options/option_defaults.h"
#include "pg/server/interrupts.h"
#include "pg/server/may_write.h"
#include "pg/server/result_rows.h"
#include "pg/server/settings.h"
#include "pg/sql/json_value.h"
#include "pg/train/default_trials.h"
#include "pg/train/option_grid.h"
#include "pg/train/run_record.h"
#include "pg/train/tune_arguments.h"
#include "pg/train/tune_results_table.h"

namespace als::pg {

namespace {

/// The arguments with which als.train does what a trial did, but for the source.
std::string options_as_json(const TuneRequest& request, const TrainOptions& options) {
  const OptionChoices choices = choices_of(options, request.on_duplicate);
  std::string json;
  const auto add = [&](const char* name, const std::string& value) {
    json += std::string(json.empty() ? "{\"" : ", \"") + name + "\": " + value;
  };
  for (const Option& option : kOptionTable) {
    const auto& value = choices[id_of(option)];
    const bool applies = !option.only_for || *option.only_for == options.feedback;
    const bool off = option.is(Option::kZeroIsOff) && value && as_number(*value) == 0;
    if (value && applies && !off) add(option.name, option.json(*value));
  }
  const RatingSource& source = request.source;
  if (source.user_col != "user_id") add("user_col", json_quoted(source.user_col));
  if (source.item_col != "item_id") add("item_col", json_quoted(source.item_col));
  if (!source.rating_col)
    add("rating_col", "null");
  else if (*source.rating_col != "rating")
    add("rating_col", json_quoted(*source.rating_col));
  if (source.time_col) add("time_col", json_quoted(*source.time_col));
  return json + "}";
}

void report_repeated(std::size_t repeated) {
  if (repeated == 0) return;
  int level = verbose() ? NOTICE : DEBUG1;
  server([&] {
    ereport(level, (errmsg("als: memory did not last for all trials put aside: %zu of them were "
                           "trained again",
                           repeated)));
  });
}

/// What is to be tried on these ratings.
std::vector<TrainOptions> trials_for(const TuneRequest& request, const TrainingData& data) {
  ThreadTeam team = interruptible_team(request.threads);
  const RatingStatistics statistics =
      statistics_of(data.ratings(), request.common.feedback() == Feedback::kImplicit, team);
  std::vector<OptionChoices> choices;
  if (request.trials) {
    choices = *request.trials;
  } else {
    choices = default_trials(request.common, statistics);
    const auto most =
        static_cast<std::size_t>(request.trials_at_most.value_or(OptionGrid::kMaxTrials));
    choices.resize(std::min(choices.size(), most));
  }
  std::vector<TrainOptions> trials;
  for (const OptionChoices& of_trial : choices)
    trials.push_back(complete_options(of_trial, statistics));
  return trials;
}

/// Runs the trials; returns them by rank.
std::vector<TuneResult> run_trials(const TuneRequest& request,
                                   const std::vector<TrainOptions>& trials,
                                   const TrainingData& data, Progress& progress) {
  const Stopwatch watch;
  std::int64_t done = 0;
  std::size_t most = 0;  // iterations of a trial
  std::vector<int> iterations(trials.size());
  for (const TrainOptions& options : trials)
    most = std::max(most, static_cast<std::size_t>(options.iterations));
  Tuner tuner(data.ratings(), data.item_keys(), trials, request.metric.more_is_better(),
              max_memory() - std::min(data.memory(), max_memory()),
              {[&](const TrainOptions& options) {
                 return interruptible_team(data.useful_threads(options));
               },
               [&](const Trainer& trainer, ThreadTeam& team) {
                 return request.metric.value(trainer, data, team);
               },
               [&](std::size_t trial, int iteration) {
                 // What is done again was counted before.
                 if (iteration > iterations[trial]) {
                   iterations[trial] = iteration;
                   ++done;
                 }
                 progress.trial(static_cast<int>(trial) + 1, done);
               },
               [&] { return watch.seconds() >= request.seconds; }});
  std::vector<Rung> rungs{{trials.size(), static_cast<int>(most)}};
  if (request.stop_early) rungs = successive_halving(trials.size(), static_cast<int>(most));
  progress.expect(tuner.iterations(rungs));
  progress.enter(Phase::kTraining);
  tuner.run(rungs);
  report_repeated(tuner.repeated());

  std::vector<TuneResult> results(tuner.trials().size());
  std::size_t begun = 0;
  for (std::size_t t = 0; t < results.size(); ++t) {
    const Tuner::Trial& trial = tuner.trials()[t];
    begun += trial.iterations > 0 || trial.finished ? 1 : 0;
    results[trial.rank - 1] = {static_cast<int>(t) + 1,
                               static_cast<int>(trial.rank),
                               trial.value,
                               trial.iterations,
                               trial.seconds,
                               options_as_json(request, trial.options)};
  }
  // Those for which there was no time rank last.
  results.resize(begun);
  return results;
}

std::vector<TuneResult> tune(const TuneRequest& request, Progress& progress,
                             MemoryContext context) {
  const DescribedSource source = describe_source(request.source, context);
  std::optional<DescribedSource> test;
  if (request.test) test = describe_source(*request.test, context);
  std::optional<TuneResults> table;
  if (request.results) {
    table.emplace(*request.results);
    // Making an index reports progress of its own.
    progress.hide();
    table->prepare();
  }
  // All of one trial take as much memory, whatever the values that the ratings decide on.
  std::vector<TrainOptions> trials;
  for (const OptionChoices& choices :
       request.trials.value_or(std::vector<OptionChoices>{request.common}))
    trials.push_back(provisional_options(choices));
  TrainingData data({source, request.on_duplicate, request.holdout, request.seed, request.threads,
                     "tuning", trials, test ? &*test : nullptr},
                    progress);
  data.index(progress);
  if (data.held_out().columns.empty())
    throw UserError(ERRCODE_NO_DATA_FOUND, "no rating is kept out to judge the trials by",
                    "Use a larger holdout, or name a test; no user loses their only rating.");
  trials = trials_for(request, data);
  std::vector<TuneResult> results = run_trials(request, trials, data, progress);
  progress.enter(Phase::kWriting);
  if (table) table->append(request.source.text, request.metric.name(), results);
  return results;
}

void put_results(ResultRows& rows, const std::vector<TuneResult>& results) {
  for (const TuneResult& result : results) {
    server([&] {
      Datum options = DirectFunctionCall1(jsonb_in, CStringGetDatum(result.options.c_str()));
      Datum values[] = {Int32GetDatum(result.trial),    Int32GetDatum(result.rank),
                        Float8GetDatum(result.value),   Int32GetDatum(result.iterations),
                        Float8GetDatum(result.seconds), options};
      bool nulls[6] = {};
      nulls[2] = std::isnan(result.value);
      rows.put(values, nulls);
    });
  }
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_tune)

/// als.tune(...): rows, see sql/als--1.1.sql
Datum als_tune(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    MemoryContext context = CurrentMemoryContext;
    ResultRows rows(fcinfo);
    const TuneRequest request = tune_request(fcinfo);
    if (request.results) check_may_write("als.tune() with results");
    SpiConnection spi;
    Progress progress(Command::kTune, request.source.table);
    std::vector<TuneResult> results = tune(request, progress, context);
    progress.hide();
    spi.finish();
    put_results(rows, results);
    return static_cast<Datum>(0);
  });
}
