// Packs a source's ratings, trains on them step by step, and writes what comes of it.
#include "pg/train/distributed_training.h"

#include "core/data/rating_statistics.h"
#include "pg/distribute/citus.h"
#include "pg/distribute/known_users.h"
#include "pg/distribute/trained_users.h"
#include "pg/hub/node_steps.h"
#include "pg/model/previous_run.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/options/option_defaults.h"
#include "pg/server/interrupts.h"
#include "pg/sql/params.h"
#include "pg/sql/transaction_steps.h"
#include "pg/train/training_source.h"
#include "pg/train/warm_start.h"

namespace als::pg {

void check_can_be_distributed(const TrainRequest& request) {
  const auto refuse = [](const char* what, const char* instead) {
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("a distributed training does not support %s", what), instead);
  };
  if (request.options.nonnegative)
    refuse("nonnegative factors", "Leave nonnegative out, or train with distributed => false.");
  if (request.source.weight_col)
    refuse("weights",
           "Leave weight_col out, or train with distributed => false. For implicit feedback "
           "rating_col => '...' takes weights, too, where all rows are preferences.");
  if (request.options.solver == Solver::kDirect)
    refuse("solver => 'direct'", "Use solver => 'cg', which ends as low, or distributed => false.");
}

void DistributedTraining::run() {
  check_can_be_distributed(request_);
  progress_.expect(request_.options.iterations);
  source_ = describe_training(request_, model_, report_, context_);
  find_places();
  if (spread_.is_distributed()) check_nodes();
  settings_ = bulk_settings(spread_.is_distributed());
  prepare_tables();
  if (places_)
    train_elsewhere();
  else
    train();
  write();
}

/// How many parts there are, and where they lie.
void DistributedTraining::find_places() {
  const std::vector<SourcePartition> partitions = foreign_partitions(*source_);
  if (partitions.empty()) {
    spread_ = spread_of(*source_);
    report_.parts = request_.parts.value_or(default_parts());
    return;
  }
  const auto n = static_cast<int>(partitions.size());
  report_.parts = request_.parts.value_or(n);
  if (report_.parts % n != 0)
    throw UserError(
        ERRCODE_INVALID_PARAMETER_VALUE,
        format("a source with %d partitions cannot be trained in %d parts", n, report_.parts),
        format("Leave parts out, or give a multiple of %d.", n));
  places_.emplace(partitions, report_.parts / n, source_->id_types);
}

/// One for each machine, which works on one part after the other: what each has to say of all items
/// is sent in each step.
int DistributedTraining::default_parts() const {
  return spread_.is_distributed() ? std::max(static_cast<int>(number_of_shard_nodes()), 1) : 1;
}

/// Whatever goes wrong, the connections, of which a transaction knows nothing, end with it.
void DistributedTraining::train_elsewhere() {
  Subtransaction subtransaction;
  try {
    places_->open();
    train();
    static_cast<NodePacking&>(*packing_).gather_users(options_.biases);
    places_->close();
    subtransaction.keep();
  } catch (...) {
    subtransaction.undo();
    places_->close();
    throw;
  }
}

void DistributedTraining::train() {
  SnapshotScope snapshot;
  pack();
  complete_options();
  snapshot.pop();
  iterate();
}

/// A new model is spread as its source is.
void DistributedTraining::prepare_tables() {
  progress_.hide();
  const bool is_new = !OidIsValid(model_.table());
  model_.prepare_tables(source_->id_types, request_.unlogged, request_.replace_ids, spread_.table);
  if (is_new || !spread_.is_distributed() || model_.is_spread()) return;
  const std::string model = model_.qualified_name();
  server([&] {
    ereport(NOTICE, (errmsg("the tables of model %s stay on this node", model.c_str()),
                     errhint("Remove the model with als.drop_model before a training that is to "
                             "spread it over all nodes.")));
  });
}

void DistributedTraining::pack() {
  Stopwatch watch;
  workspace_.emplace(model_.target_table().schema(), source_->id_types, report_.parts,
                     spread_.is_distributed(), [this](const std::string& sql) {
                       // A table with an index, when it is emptied, gets that anew.
                       progress_.hide_during([&] { execute(sql); });
                     });
  const PackingRequest request{*source_,         request_.on_duplicate, request_.options.factors,
                               request_.holdout, request_.options.seed, spread_.shards};
  if (places_)
    packing_ = std::make_unique<NodePacking>(request, *workspace_, *places_);
  else
    packing_ = std::make_unique<Packing>(request, *workspace_);
  workspace_->create();
  progress_.enter(Phase::kReading);
  packing_->read();
  const RowCounts& counts = packing_->counts();
  progress_.rows_read(counts.rows);
  progress_.hide();  // ANALYZE tells its own
  packing_->analyze_items();
  progress_.enter(Phase::kIndexing);
  packing_->pack();
  report_.rows = counts.rows;
  report_.skipped = counts.rows - counts.kept;
  report_.duplicates = packing_->duplicates();
  report_.ratings = static_cast<std::int64_t>(packing_->moments().count);
  report_.held_out = counts.kept - report_.duplicates - report_.ratings;
  report_.users = counts.users;
  report_.items = packing_->items();
  report_.mean = packing_->moments().mean;
  report_.spread = packing_->moments().spread();
  report_.range = counts.range;
  advise_on_ratings(request_, report_);
  if (!(std::fabs(static_cast<float>(report_.mean)) <= kMaxBias)) throw_ratings_too_large();
  report_.read_seconds = watch.seconds();
}

/// What implicit feedback goes by is measured on a sample, which knows no numbers of ratings.
void DistributedTraining::complete_options() {
  RatingStatistics statistics;
  statistics.spread = report_.spread;
  if (request_.options.feedback == Feedback::kImplicit) {
    ThreadTeam team = interruptible_team(request_.threads);
    statistics = statistics_of(packing_->sample(team), true, team);
    statistics.spread = report_.spread;
    statistics.ratings = static_cast<double>(report_.ratings);
    statistics.ratings_per_user = statistics.ratings / static_cast<double>(report_.users);
    statistics.ratings_per_item = statistics.ratings / static_cast<double>(report_.items);
    advise_on_tail(statistics, report_);
  }
  options_ = pg::complete_options(request_.choices, statistics);
}

std::unique_ptr<SqlSteps> DistributedTraining::steps(std::uint32_t slices) {
  if (places_)
    return std::make_unique<NodeSteps>(*workspace_, *places_, slices, request_.threads, progress_);
  const std::int64_t machines = spread_.is_distributed() ? number_of_nodes() : 1;
  return std::make_unique<SqlSteps>(*workspace_, slices, request_.threads, machines, progress_);
}

void DistributedTraining::iterate() {
  Stopwatch watch;
  progress_.enter(Phase::kTraining);
  PartsTraining training;
  training.options = options_;
  training.mean = mean();
  training.items = packing_->items();
  training.slice_items = packing_->slice_items();
  training.users = static_cast<std::uint64_t>(report_.users);
  training.ratings = static_cast<std::uint64_t>(report_.ratings);
  if (request_.holdout > 0 && options_.feedback == Feedback::kImplicit)
    training.greatest_judged_hash = packing_->greatest_judged_hash();
  const Bytes users = start(training);
  const std::unique_ptr<SqlSteps> steps = this->steps(training.slices());
  ThreadTeam team = interruptible_team(request_.threads);
  PartsTrainer trainer(training, steps->reports(), *steps, team, users);
  Iterations iterations(options_, trainer);
  Stopwatch iteration;
  while (!iterations.finished()) {
    iterations.iterate();
    report_.loss.push_back(iterations.loss().back());
    if (request_.holdout > 0) report_.holdout.push_back(trainer.holdout_metric());
    progress_.iteration(static_cast<int>(report_.loss.size()), report_.loss.back());
    tell_iteration(request_, report_, iteration.seconds());
    iteration = Stopwatch();
  }
  report_.cg = true;
  report_.refined = static_cast<std::int64_t>(trainer.refined_rows());
  report_.train_seconds = watch.seconds();
}

/// Makes the slices, at random or as the model has the items. Returns what the users report with
/// whom it begins, if it does.
Bytes DistributedTraining::start(PartsTraining& training) {
  if (!report_.warm_started) {
    if (request_.warm_start) tell_of_cold_start(model_);
    packing_->make_slices(training, "");
    return {};
  }
  SnapshotScope snapshot;
  const Model model = read_model(model_.table());
  snapshot.pop();
  check_warm_start(model, options_);
  const BySide<const IdType*>& types = source_->id_types;
  packing_->make_slices(training, known_factors(model, Side::kItems, *types.items));
  // Users follow from the items: those of a model are not sent to other servers.
  if (places_) return {};
  return start_users(model, *types.users, training, *workspace_);
}

void DistributedTraining::write() {
  Stopwatch watch;
  progress_.hide();
  PreviousRun previous(model_);
  previous.forget();
  if (request_.keep_previous) previous.keep();
  progress_.enter(Phase::kWriting);
  write_users();
  write_items();
  previous.record();
  workspace_->drop();
  settings_.end();
  report_.write_seconds = watch.seconds();
  write_model_row(model_, request_, options_, report_);
}

/// Only here do the users of all partitions meet.
void DistributedTraining::write_users() {
  const IdType& type = *source_->id_types.users;
  if (!places_) return model_.write_rows(Side::kUsers, type, trained_users_query(*workspace_));
  try {
    model_.write_rows(Side::kUsers, type,
                      static_cast<NodePacking&>(*packing_).trained_users_query());
  } catch (const ServerError& error) {
    if (error.data->sqlerrcode != ERRCODE_UNIQUE_VIOLATION) throw;
    throw UserError(ERRCODE_UNIQUE_VIOLATION, "a user has rows in two partitions of the source",
                    "Move or delete the rows that lie outside the bounds of their partition, or "
                    "train with distributed => false.",
                    error.data->detail == nullptr ? "" : error.data->detail);
  }
}

void DistributedTraining::write_items() {
  std::vector<RatingTotals> totals = packing_->totals();
  if (options_.feedback == Feedback::kExplicit) report_.damping = damping(totals);
  const Param no_damping{FLOAT8OID, 0, true};
  std::vector<Param> params{float_param(report_.mean),
                            report_.damping ? float_param(*report_.damping) : no_damping};
  std::string packed =
      "select s.slice, als._packed_items(s.state, t.totals, $1, $2) as items from " +
      workspace_->slices() + " s join " + workspace_->totals() +
      " t on s.place operator(pg_catalog.=) t.place and s.slice operator(pg_catalog.=) t.slice";
  if (workspace_->distributed()) {
    // Every machine gets bytes, and makes the rows of its copy from them: to send an array takes a
    // call for each number, at both ends.
    workspace_->create_finished();
    execute("insert into " + workspace_->finished() + " " + packed, params);
    packed = "select slice, items from " + workspace_->finished();
    params.clear();
  }
  model_.write_rows(
      Side::kItems, *source_->id_types.items,
      "select id, (f).factors, (f).bias, (f).n_ratings, (f).checksum, (f).popularity from (select "
      "pg_catalog.unnest(k.ids) as id, als._unpacked_factors(p.items) as f from (" +
          packed + ") p join (select idx operator(pg_catalog./) " +
          std::to_string(packing_->slice_items()) +
          " as slice, pg_catalog.array_agg(item_id order by idx) as ids from " +
          workspace_->items() + " group by 1) k on p.slice operator(pg_catalog.=) k.slice) items",
      params);
}

}  // namespace als::pg
