// als.tune: which options of als.train do best on ratings kept out of the training.
//
//   TuneRequest -> TrainingData -> Trials (by a Tuner) -> rows, TuneResults
//
// The ratings are read once, and all trials share them.

#include "core/tune/tuner.h"

#include <numeric>

#include "core/base/stopwatch.h"
#include "core/data/rating_statistics.h"
#include "pg/options/option_defaults.h"
#include "pg/server/interrupts.h"
#include "pg/server/may_write.h"
#include "pg/server/settings.h"
#include "pg/sql/json_value.h"
#include "pg/sql/result_rows.h"
#include "pg/train/run_record.h"
#include "pg/train/training_features.h"
#include "pg/tune/option_grid.h"
#include "pg/tune/option_search.h"
#include "pg/tune/tune_arguments.h"
#include "pg/tune/tune_results_table.h"

namespace als::pg {

namespace {

/// The arguments with which als.train does what a trial did, but for the source.
std::string options_as_json(const TuneRequest& request, const TrainOptions& options) {
  OptionChoices choices = choices_of(options, request.on_duplicate);
  add_feature_options(options, request.features.users.has_value(),
                      request.features.items.has_value(), choices);
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
  if (source.weight_col) add("weight_col", json_quoted(*source.weight_col));
  for (const Side side : {Side::kUsers, Side::kItems})
    if (const auto& named = request.features[side])
      add(features_name(side), json_quoted(named->text));
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

/// Trials on the same ratings, within the time there is.
class Trials {
 public:
  /// memory: what the largest of them takes, in bytes.
  Trials(const TuneRequest& request, const TrainingData& data, SideFeatures features,
         std::size_t memory, Progress& progress)
      : request_(request), data_(data), features_(features), memory_(memory), progress_(progress) {}

  /// Those of a grid.
  void run_grid(const RatingStatistics& ratings);

  /// The defaults, and what lies where they get better.
  void search(const RatingStatistics& ratings);

  /// Those for which there was time, by rank.
  std::vector<TuneResult> results() const;

 private:
  /// Of a trial, more being better.
  double worth(const Tuner::Trial& trial) const {
    return request_.metric.more_is_better() ? trial.value : -trial.value;
  }
  bool out_of_time() const { return watch_.seconds() >= request_.seconds; }
  void run(const std::vector<TrainOptions>& trials, const std::vector<Rung>& rungs);
  void rank();

  const TuneRequest& request_;
  const TrainingData& data_;
  const SideFeatures features_;
  const std::size_t memory_;
  Progress& progress_;
  const Stopwatch watch_;
  std::vector<Tuner::Trial> trials_;
  std::int64_t iterations_ = 0;  // done, but for those done again
};

/// Runs some more.
void Trials::run(const std::vector<TrainOptions>& trials, const std::vector<Rung>& rungs) {
  std::vector<int> iterations(trials.size());
  const auto on_iteration = [&](std::size_t trial, int iteration) {
    // What is done again was counted before.
    if (iteration > iterations[trial]) {
      iterations[trial] = iteration;
      ++iterations_;
    }
    progress_.trial(static_cast<int>(trials_.size() + trial) + 1, iterations_);
  };
  Tuner tuner(data_.ratings(), data_.item_keys(), trials, request_.metric.more_is_better(),
              max_memory() - std::min(memory_, max_memory()),
              {[&](const TrainOptions& options) {
                 return interruptible_team(data_.useful_threads(options));
               },
               [&](const Trainer& trainer, ThreadTeam& team) {
                 return request_.metric.value(trainer, data_, team);
               },
               on_iteration, [&] { return out_of_time(); }},
              features_);
  if (trials_.empty()) {
    progress_.expect(tuner.iterations(rungs) *
                     (request_.trials ? 1 : OptionSearch::kTypicalTrials));
    progress_.enter(Phase::kTraining);
  }
  tuner.run(rungs);
  report_repeated(tuner.repeated());
  trials_.insert(trials_.end(), tuner.trials().begin(), tuner.trials().end());
}

void Trials::run_grid(const RatingStatistics& ratings) {
  std::vector<TrainOptions> trials;
  int most = 0;  // iterations of a trial
  for (const OptionChoices& choices : *request_.trials) {
    trials.push_back(complete_options(choices, ratings));
    most = std::max(most, trials.back().iterations);
  }
  run(trials, request_.stop_early ? successive_halving(trials.size(), most)
                                  : std::vector<Rung>{{trials.size(), most}});
}

void Trials::search(const RatingStatistics& ratings) {
  OptionSearch search(request_.common, ratings, request_.features.any());
  const auto most =
      static_cast<std::size_t>(request_.trials_at_most.value_or(OptionGrid::kMaxTrials));
  while (const std::optional<TrainOptions> options = search.next()) {
    run({*options}, {{1, options->iterations}});
    search.tell(worth(trials_.back()));
    if (out_of_time() || trials_.size() >= most) break;
  }
  rank();
}

/// By what they are worth, ties by their order.
void Trials::rank() {
  std::vector<std::size_t> order(trials_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t trial) {
    const double value = worth(trials_[trial]);
    return std::pair(std::isnan(value) ? std::numeric_limits<double>::infinity() : -value, trial);
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  for (std::size_t n = 0; n < order.size(); ++n) trials_[order[n]].rank = n + 1;
}

std::vector<TuneResult> Trials::results() const {
  std::vector<TuneResult> results(trials_.size());
  std::size_t begun = 0;
  for (std::size_t t = 0; t < results.size(); ++t) {
    const Tuner::Trial& trial = trials_[t];
    begun += trial.iterations > 0 || trial.finished ? 1 : 0;
    results[trial.rank - 1] = {static_cast<int>(t) + 1,
                               static_cast<int>(trial.rank),
                               trial.value,
                               trial.iterations,
                               trial.seconds,
                               options_as_json(request_, trial.options)};
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
  BySide<std::optional<TrainingFeatures>> features;
  for (const Side side : {Side::kUsers, Side::kItems})
    if (const auto& named = request.features[side])
      features[side].emplace(
          describe_features(*named, side, request.source.id_col(side), *source.id_types[side]));
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
  if (features.users) features.users->read(data.reader().users());
  if (features.items) features.items->read(data.reader().items());
  data.index(progress);
  if (data.held_out().columns.empty())
    throw UserError(ERRCODE_NO_DATA_FOUND, "no rating is kept out to judge the trials by",
                    "Use a larger holdout, or name a test; no user loses their only rating.");
  ThreadTeam team = interruptible_team(request.threads);
  const RatingStatistics statistics =
      statistics_of(data.ratings(), request.common.feedback() == Feedback::kImplicit, team,
                    source.has_confidences());
  const TrainOptions& largest =
      *std::max_element(trials.begin(), trials.end(),
                        [](const auto& a, const auto& b) { return a.unknowns() < b.unknowns(); });
  std::size_t memory = data.memory();
  const auto rows_of = [&](Side side) -> const FeatureRows* {
    if (!features[side]) return nullptr;
    features[side]->index(data, largest, request.threads);
    memory += features[side]->memory();
    return &features[side]->rows();
  };
  const SideFeatures rows{rows_of(Side::kUsers), rows_of(Side::kItems)};
  Trials tried(request, data, rows, memory, progress);
  if (request.trials)
    tried.run_grid(statistics);
  else
    tried.search(statistics);
  std::vector<TuneResult> results = tried.results();
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
