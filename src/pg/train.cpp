// als.train: from a source of ratings to a model, in one transaction.
//
//   TrainRequest -> RatingReader -> Ratings -> Trainer -> ModelStore
//
// The stages are apart so that each frees what the next does not need.

#include <chrono>

#include "core/holdout.h"
#include "core/initial_factors.h"
#include "core/trainer.h"
#include "pg/interruptible_team.h"
#include "pg/memory_limit.h"
#include "pg/progress.h"
#include "pg/rating_reader.h"
#include "pg/settings.h"
#include "pg/training_run.h"
#include "pg/warm_start.h"

namespace als::pg {

namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What the training of the rows read so far takes, and no less for any more rows.
std::size_t memory_needed(const RatingReader& reader, const TrainRequest& request) {
  return training_memory(reader.ratings(), reader.users().size(), reader.items().size(),
                         reader.users().bytes() + reader.items().bytes(), request.options,
                         request.threads);
}

/// Refuses before the memory is taken.
void check_memory(const RatingReader& reader, const TrainRequest& request) {
  check_memory_limit(
      "training", memory_needed(reader, request),
      "Raise als.max_memory, or train with fewer factors, fewer threads or fewer ratings.",
      format("After %zu ratings of %zu users and %zu items, with factors => %d and threads => %d.",
             reader.ratings(), reader.users().size(), reader.items().size(),
             request.options.factors, request.threads));
}

void report_memory(std::size_t bytes) {
  int level = verbose() ? NOTICE : DEBUG1;
  std::string megabytes = in_megabytes(bytes);
  server([&] {
    ereport(level, (errmsg("als: training takes at most %s of memory", megabytes.c_str())));
  });
}

/// The order of the rows that `rank` ranks.
std::vector<std::uint32_t> ranks_of(const IdDictionary& ids) {
  std::vector<std::uint32_t> ranks(ids.size());
  server([&] { ids.rank(ranks.data()); });
  return ranks;
}

constexpr std::size_t kIdsABlock = std::size_t{1} << 16;

std::vector<std::uint32_t> inverse(const std::vector<std::uint32_t>& ranks, ThreadTeam& team) {
  std::vector<std::uint32_t> order(ranks.size());
  team.for_each_block(ranks.size(), kIdsABlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) order[ranks[i]] = static_cast<std::uint32_t>(i);
  });
  return order;
}

/// The hash of every id of a side, in the order of its rows.
std::vector<std::uint64_t> keys_of(const TrainedRows& rows, ThreadTeam& team) {
  std::vector<std::uint64_t> keys(rows.order.size());
  team.for_each_block(keys.size(), kIdsABlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) keys[r] = rows.ids->hashes()[rows.order[r]];
  });
  return keys;
}

/// Threads that pay: waking one and waiting for it costs up to some milliseconds where processors
/// are taken, so each must have about as much to do in a half-step.
int useful_threads(const TrainRequest& request, const TrainReport& report) {
  constexpr double kOperationsWorthAThread = 2e7;
  double rows = static_cast<double>(std::min(report.users, report.items));
  double operations =
      half_step_operations(request.options, static_cast<double>(report.ratings), rows);
  return std::clamp(static_cast<int>(std::min(operations / kOperationsWorthAThread, 1e6)), 1,
                    request.threads);
}

[[noreturn]] void throw_duplicate(const DuplicateRating& duplicate, const TrainedRows& users,
                                  const TrainedRows& items) {
  const char* user = server(
      [&] { return id_text(users.ids->type(), users.ids->id(users.order[duplicate.user])); });
  const char* item = server(
      [&] { return id_text(items.ids->type(), items.ids->id(items.order[duplicate.item])); });
  throw UserError(ERRCODE_CARDINALITY_VIOLATION,
                  format("user %s has more than one rating for item %s", user, item),
                  "Use on_duplicate => 'average' or 'sum', or group the source by user and item.");
}

void report_iteration(int iteration, int of, const TrainReport& report, double seconds) {
  int level = verbose() ? NOTICE : DEBUG1;
  std::string holdout =
      report.holdout.empty() ? "" : format(", held out %.6g", report.holdout.back());
  server([&] {
    ereport(level, (errmsg("als: iteration %d of %d: loss %.9g%s, %.2f s", iteration, of,
                           report.loss.back(), holdout.c_str(), seconds)));
  });
}

double holdout_metric(const Trainer& trainer, const Ratings& ratings, const TrainRequest& request,
                      const HoldoutRule& rule, ThreadTeam& team) {
  if (request.options.feedback == Feedback::kExplicit)
    return rmse(ratings.held_out(), trainer.users(), trainer.items(), trainer.mean(), team);
  return recall_at_10(ratings.held_out(), ratings.by_user(), rule.user_keys, trainer.users(),
                      trainer.items(), team);
}

/// Runs the iterations; the factors stay in the trainer.
void iterate(Trainer& trainer, const Ratings& ratings, const TrainRequest& request,
             const HoldoutRule& rule, ThreadTeam& team, Progress& progress, TrainReport& report) {
  Stopwatch watch;
  trainer.solve_users();
  bool converged = false;
  for (int i = 1; i <= request.options.iterations && !converged; ++i) {
    trainer.solve_items();
    bool last = i == request.options.iterations;
    double loss = last ? trainer.finish() : trainer.solve_users();
    // Without a tolerance not even a loss that has come to a standstill ends the training.
    converged = request.tolerance > 0 && !last && i > 1 &&
                report.loss.back() - loss < request.tolerance * report.loss.back();
    if (converged) loss = trainer.finish();
    report.loss.push_back(loss);
    if (request.holdout > 0)
      report.holdout.push_back(holdout_metric(trainer, ratings, request, rule, team));
    progress.iteration(i, loss);
    report_iteration(i, request.options.iterations, report, watch.seconds());
    watch = Stopwatch();
  }
}

/// Reads the source under a fresh snapshot: after waiting for another training, its ratings too.
void read_ratings(RatingReader& reader, const TrainRequest& request, Progress& progress) {
  SnapshotScope snapshot;
  reader.read([&] {
    check_memory(reader, request);
    progress.rows_read(reader.rows());
  });
  snapshot.pop();
  check_memory(reader, request);
  progress.rows_read(reader.rows());
  if (reader.ratings() == 0)
    throw UserError(
        ERRCODE_NO_DATA, "the source has no ratings",
        "A row counts when its user, item and rating are not null.",
        format("%lld rows read, %lld of them skipped for a null.",
               static_cast<long long>(reader.rows()), static_cast<long long>(reader.skipped())));
  report_memory(memory_needed(reader, request));
}

void train(TrainRequest& request, ModelStore& store, Progress& progress, MemoryContext context) {
  TrainReport report;
  store.lock(request.replace);
  bool existed = OidIsValid(store.table());

  Stopwatch reading;
  describe_source(request.source, context);
  // Before the work, so that a missing privilege shows at once.
  progress.hide();
  store.prepare_tables(request.source, request.unlogged);
  progress.enter(Phase::kReading);
  RatingReader reader(request.source);
  read_ratings(reader, request, progress);
  report.rows = reader.rows();
  report.skipped = reader.skipped();

  progress.enter(Phase::kIndexing);
  ThreadTeam team = interruptible_team(request.threads);
  std::vector<std::uint32_t> user_rank = ranks_of(reader.users());
  std::vector<std::uint32_t> item_rank = ranks_of(reader.items());
  TrainedRows users{&reader.users(), inverse(user_rank, team), nullptr, nullptr};
  TrainedRows items{&reader.items(), inverse(item_rank, team), nullptr, nullptr};
  std::vector<std::uint64_t> item_keys = keys_of(items, team);
  HoldoutRule rule{request.holdout, request.options.seed, {}, {}};
  if (request.holdout > 0) {
    rule.user_keys = keys_of(users, team);
    rule.item_keys = item_keys;
  }
  std::optional<Ratings> ratings;
  try {
    ratings.emplace(reader.take_buffer(), user_rank, item_rank, request.on_duplicate, team,
                    request.holdout > 0 ? &rule : nullptr);
  } catch (const DuplicateRating& duplicate) {
    throw_duplicate(duplicate, users, items);
  }
  report.duplicates = static_cast<std::int64_t>(ratings->duplicates());
  report.held_out = static_cast<std::int64_t>(ratings->held_out().columns.size());
  report.ratings = static_cast<std::int64_t>(ratings->size());
  report.users = static_cast<std::int64_t>(ratings->users());
  report.items = static_cast<std::int64_t>(ratings->items());
  report.mean = ratings->mean();
  report.read_seconds = reading.seconds();

  Stopwatch training;
  progress.enter(Phase::kTraining);
  ThreadTeam trainers = interruptible_team(useful_threads(request, report));
  Factors user_start = zero_factors(user_rank.size(), request.options, trainers);
  Factors item_start = initial_factors(item_keys, request.options, trainers);
  if (request.warm_start && existed) {
    SnapshotScope snapshot;
    Model model = read_model(store.table());
    check_warm_start(model, request.options);
    warm_start(model, Side::kUsers, reader.users(), user_rank, request.options, user_start);
    warm_start(model, Side::kItems, reader.items(), item_rank, request.options, item_start);
    snapshot.pop();
  } else if (request.warm_start) {
    server([&] {
      ereport(NOTICE, (errmsg("model %s does not exist yet: it starts from random factors",
                              store.destination().relation().c_str())));
    });
  }
  Trainer trainer(*ratings, request.options, std::move(user_start), std::move(item_start),
                  trainers);
  iterate(trainer, *ratings, request, rule, trainers, progress, report);
  report.gradual = trainer.gradual();
  report.warm_started = request.warm_start && existed;
  report.refined = static_cast<std::int64_t>(trainer.refined_rows());
  report.train_seconds = training.seconds();

  Stopwatch writing;
  progress.enter(Phase::kWriting);
  users.factors = &trainer.users();
  users.ratings = &ratings->by_user();
  items.factors = &trainer.items();
  items.ratings = &ratings->by_item();
  store.write_factors(Side::kUsers, users);
  store.write_factors(Side::kItems, items);
  report.write_seconds = writing.seconds();
  write_model_row(store, request, report);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_train)

/// als.train(...): als.model, see sql/als--1.0.sql
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
    ModelStore store(request.model);
    Progress progress(Command::kTrain, store.destination().schema(),
                      store.destination().relation());
    progress.expect(request.options.iterations);
    if (!request.source.rating_col && request.options.feedback == als::Feedback::kExplicit)
      server([] {
        ereport(WARNING, (errmsg("every rating is 1, from which explicit feedback learns nothing"),
                          errhint("Use feedback => 'implicit' for clicks, orders and the like.")));
      });
    train(request, store, progress, context);
    Datum result = returned_row(fcinfo, context);
    progress.hide();
    spi.finish();
    return result;
  });
}
