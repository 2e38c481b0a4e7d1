// The stages of a training, and what each leaves in its report.
#include "pg/train/training.h"

#include "core/data/rating_statistics.h"
#include "core/data/row_checksum.h"
#include "pg/model/previous_run.h"
#include "pg/options/option_defaults.h"
#include "pg/server/interrupts.h"
#include "pg/train/distributed_training.h"
#include "pg/train/holdout_metric.h"
#include "pg/train/training_source.h"
#include "pg/train/warm_start.h"

namespace als::pg {

namespace {

constexpr Side kSides[] = {Side::kUsers, Side::kItems};

}  // namespace

Training::Training(const TrainRequest& request, ModelWriter& model, Progress& progress,
                   MemoryContext context)
    : request_(request),
      model_(model),
      progress_(progress),
      context_(context),
      trainings_{request.options},
      feature_tables_{{model, Side::kUsers}, {model, Side::kItems}} {
  progress_.expect(options().iterations);
}

void Training::run() {
  describe();
  prepare_tables();
  read();
  index();
  start();
  iterate();
  write();
}

void Training::describe() {
  source_ = describe_training(request_, model_, report_, context_);
  for (const Side side : kSides)
    if (const auto& named = request_.features[side])
      features_[side].emplace(
          describe_features(*named, side, request_.source.id_col(side), *source_->id_types[side]));
}

void Training::prepare_tables() {
  progress_.hide();
  model_.prepare_tables(source_->id_types, request_.unlogged, request_.replace_ids);
  for (const Side side : kSides)
    feature_tables_[side].prepare(features_[side].has_value(), request_.unlogged);
}

void Training::read() {
  data_.emplace(TrainingData::Request{*source_, request_.on_duplicate, request_.holdout,
                                      options().seed, request_.threads, "training", trainings_},
                progress_);
  if (features_.users) features_.users->read(data_->reader().users());
  if (features_.items) features_.items->read(data_->reader().items());
}

/// Where the training begins.
TrainingLoop::State Training::first_state() {
  TrainingLoop::State state =
      start_of_training(data_->ratings(), data_->item_keys(), options(), *team_);
  if (report_.warm_started) {
    SnapshotScope snapshot;
    Model model = read_model(model_.table());
    check_warm_start(model, options());
    warm_start(model, Side::kUsers, data_->reader().users(), data_->user_rank(), options(),
               state.users);
    warm_start(model, Side::kItems, data_->reader().items(), data_->item_rank(), options(),
               state.items);
    snapshot.pop();
  } else if (request_.warm_start) {
    tell_of_cold_start(model_);
  }
  return state;
}

void Training::index() {
  data_->index(progress_);
  const Ratings& ratings = data_->ratings();
  ThreadTeam team = interruptible_team(request_.threads);
  const RatingStatistics statistics = statistics_of(
      ratings, options().feedback == Feedback::kImplicit, team, source_->has_confidences());
  trainings_.front() = complete_options(request_.choices, statistics);
  if (options().feedback == Feedback::kImplicit && !source_->has_confidences())
    advise_on_tail(statistics, report_);
  report_.rows = data_->rows();
  report_.skipped = data_->skipped();
  report_.duplicates = static_cast<std::int64_t>(ratings.duplicates());
  report_.held_out = static_cast<std::int64_t>(ratings.held_out().columns.size());
  report_.ratings = static_cast<std::int64_t>(ratings.size());
  report_.users = static_cast<std::int64_t>(ratings.users());
  report_.items = static_cast<std::int64_t>(ratings.items());
  report_.mean = ratings.mean();
  report_.range = ratings.range();
  advise_on_ratings(request_, report_);
  if (!(std::fabs(static_cast<float>(report_.mean)) <= kMaxBias)) throw_ratings_too_large();
  report_.spread = ratings.spread();
  report_.read_seconds = data_->seconds();
  for (const Side side : kSides) {
    if (!features_[side]) continue;
    features_[side]->index(*data_, options(), request_.threads);
    advise(report_, features_[side]->advice());
  }
}

void Training::start() {
  train_watch_ = Stopwatch();
  progress_.enter(Phase::kTraining);
  team_.emplace(interruptible_team(data_->useful_threads(options())));
  const auto rows_of = [&](Side side) {
    return features_[side] ? &features_[side]->rows() : nullptr;
  };
  loop_.emplace(data_->ratings(), options(), first_state(), *team_,
                SideFeatures{rows_of(Side::kUsers), rows_of(Side::kItems)});
}

void Training::iterate() {
  HoldoutMetric metric(options().feedback);
  Stopwatch watch;
  while (!loop_->finished()) {
    loop_->iterate();
    report_.loss.push_back(loop_->loss().back());
    if (request_.holdout > 0)
      report_.holdout.push_back(metric.value(loop_->trainer(), *data_, *team_));
    progress_.iteration(loop_->iterations(), report_.loss.back());
    tell_iteration(request_, report_, watch.seconds());
    watch = Stopwatch();
  }
  report_.cg = loop_->trainer().cg();
  report_.refined = static_cast<std::int64_t>(loop_->refined_rows());
  report_.train_seconds = train_watch_.seconds();
}

void Training::write() {
  Stopwatch watch;
  progress_.hide();
  PreviousRun previous(model_);
  previous.forget();
  if (request_.keep_previous) previous.keep();
  progress_.enter(Phase::kWriting);
  FactorFeed& users = data_->users();
  FactorFeed& items = data_->items();
  users.factors = &loop_->trainer().users();
  users.ratings = &data_->ratings().by_user();
  items.factors = &loop_->trainer().items();
  users.checksums = row_checksums(*users.ratings, data_->item_keys(), *team_);
  items.ratings = &data_->ratings().by_item();
  const std::vector<RatingTotals> totals = totals_of(*items.ratings);
  if (options().feedback == Feedback::kExplicit) report_.damping = damping(totals);
  const std::vector<float> popularity =
      popularity_of(totals, report_.mean, report_.damping, source_->has_confidences());
  items.popularity = &popularity;
  items.checksums = row_checksums(*items.ratings, data_->user_keys(), *team_);
  for (const Side side : kSides) {
    if (!features_[side]) continue;
    FactorFeed& feed = side == Side::kUsers ? users : items;
    feed.factors = &features_[side]->with_unrated(loop_->trainer(), options(), *team_);
    features_[side]->add_checksums(feed.checksums, *team_);
  }
  model_.write_factors(Side::kUsers, users);
  model_.write_factors(Side::kItems, items);
  const std::int64_t kept = request_.keep_previous ? model_.newest_run() : 0;
  for (const Side side : kSides) {
    if (features_[side])
      features_[side]->write(model_, feature_tables_[side], kept, report_, *team_);
    else
      feature_tables_[side].clear(kept);
  }
  previous.record();
  report_.write_seconds = watch.seconds();
  write_model_row(model_, request_, options(), report_);
}

void run_training(const TrainRequest& request, ModelWriter& model, Progress& progress,
                  MemoryContext context) {
  if (request.distributed)
    DistributedTraining(request, model, progress, context).run();
  else
    Training(request, model, progress, context).run();
}

}  // namespace als::pg
