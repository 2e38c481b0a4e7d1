// als.train: from a source of ratings to a model, in one transaction.
//
//   source -> RatingReader -> Ratings -> Trainer -> ModelStore
//
// The stages are apart so that each frees what the next does not need.

#include <chrono>

#include "core/trainer.h"
#include "pg/args.h"
#include "pg/model_store.h"
#include "pg/progress.h"
#include "pg/rating_reader.h"
#include "pg/settings.h"

namespace als::pg {

namespace {

// Defaults chosen by measurement, see "Choosing options" in the README.
constexpr double kExplicitRegularization = 0.1;
constexpr double kImplicitRegularization = 0.01;
constexpr double kImplicitAlpha = 40;

/// The arguments of als.train, checked.
struct TrainRequest {
  std::string model;
  RatingSource source;
  TrainOptions options;
  OnDuplicate on_duplicate;
  int threads;
  bool replace;
  bool unlogged;
};

/// What a finished training has to tell besides the factors.
struct TrainReport {
  std::int64_t rows = 0;
  std::int64_t skipped = 0;
  std::int64_t duplicates = 0;
  std::int64_t ratings = 0;
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t refined = 0;
  double mean = 0;
  std::vector<double> loss;
  double read_seconds = 0;
  double train_seconds = 0;
  double write_seconds = 0;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

enum Argument {
  kModel,
  kSource,
  kUserCol,
  kItemCol,
  kRatingCol,
  kFeedback,
  kFactors,
  kIterations,
  kRegularization,
  kRegExponent,
  kAlpha,
  kBiases,
  kOnDuplicate,
  kSeed,
  kThreads,
  kReplace,
  kUnlogged
};

std::string name_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return NameStr(*PG_GETARG_NAME(index));
}

bool bool_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return PG_GETARG_BOOL(index);
}

TrainOptions options_from(FunctionCallInfo fcinfo) {
  TrainOptions options;
  bool implicit = choice_arg(fcinfo, kFeedback, "feedback", {"explicit", "implicit"}) == "implicit";
  options.feedback = implicit ? Feedback::kImplicit : Feedback::kExplicit;
  options.factors = int_arg(fcinfo, kFactors, "factors", 1, kMaxFactors);
  options.iterations = int_arg(fcinfo, kIterations, "iterations", 1, 10000);
  options.regularization = PG_ARGISNULL(kRegularization)
                               ? (implicit ? kImplicitRegularization : kExplicitRegularization)
                               : float_arg(fcinfo, kRegularization, "regularization", 0, 1e10);
  options.reg_exponent = float_arg(fcinfo, kRegExponent, "reg_exponent", 0, 2);
  if (implicit) {
    options.alpha =
        PG_ARGISNULL(kAlpha) ? kImplicitAlpha : float_arg(fcinfo, kAlpha, "alpha", 0, 1e10);
  } else if (!PG_ARGISNULL(kAlpha)) {
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "alpha is for implicit feedback",
                    "Leave alpha out, or use feedback => 'implicit'.");
  }
  options.biases = PG_ARGISNULL(kBiases) ? !implicit : PG_GETARG_BOOL(kBiases);
  if (implicit && options.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "biases are for explicit feedback",
                    "Leave biases out, or use feedback => 'explicit'.");
  require_arg(fcinfo, kSeed, "seed");
  options.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed));
  return options;
}

OnDuplicate on_duplicate_from(FunctionCallInfo fcinfo, Feedback feedback) {
  if (PG_ARGISNULL(kOnDuplicate))
    return feedback == Feedback::kExplicit ? OnDuplicate::kAverage : OnDuplicate::kSum;
  std::string choice =
      choice_arg(fcinfo, kOnDuplicate, "on_duplicate", {"average", "sum", "error"});
  if (choice == "average") return OnDuplicate::kAverage;
  return choice == "sum" ? OnDuplicate::kSum : OnDuplicate::kError;
}

const char* on_duplicate_name(OnDuplicate choice) {
  switch (choice) {
    case OnDuplicate::kAverage:
      return "average";
    case OnDuplicate::kSum:
      return "sum";
    case OnDuplicate::kError:
      return "error";
  }
  return "";
}

TrainRequest request_from(FunctionCallInfo fcinfo) {
  TrainRequest request;
  request.model = text_arg(fcinfo, kModel, "model");
  std::string source = text_arg(fcinfo, kSource, "source");
  request.options = options_from(fcinfo);
  request.on_duplicate = on_duplicate_from(fcinfo, request.options.feedback);
  request.threads = PG_ARGISNULL(kThreads) ? default_threads()
                                           : int_arg(fcinfo, kThreads, "threads", 1, kMaxThreads);
  request.replace = bool_arg(fcinfo, kReplace, "replace");
  request.unlogged = bool_arg(fcinfo, kUnlogged, "unlogged");

  request.source = parse_source(source);
  request.source.user_col = name_arg(fcinfo, kUserCol, "user_col");
  request.source.item_col = name_arg(fcinfo, kItemCol, "item_col");
  if (!PG_ARGISNULL(kRatingCol)) request.source.rating_col = name_arg(fcinfo, kRatingCol, "");
  return request;
}

std::string in_megabytes(std::size_t bytes) {
  return format("%zu MB", (bytes + 1048575) / 1048576);
}

/// What the training of the rows read so far takes, and no less for any more rows.
std::size_t memory_needed(const RatingReader& reader, const TrainRequest& request) {
  return training_memory(reader.ratings(), reader.users().size(), reader.items().size(),
                         reader.users().bytes() + reader.items().bytes(), request.options,
                         request.threads);
}

/// Refuses before the memory is taken.
void check_memory(const RatingReader& reader, const TrainRequest& request) {
  std::size_t need = memory_needed(reader, request);
  std::size_t limit = max_memory();
  if (need <= limit) return;
  throw UserError(
      ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
      format("training needs at least %s, more than als.max_memory allows (%s)",
             in_megabytes(need).c_str(), in_megabytes(limit).c_str()),
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

/// A team whose work the server can interrupt: cancel, timeouts, termination, and whatever else
/// another backend asks of this one.
ThreadTeam interruptible_team(int threads) {
  return ThreadTeam(
      threads, [] { return InterruptPending != 0; },
      [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
}

/// Threads that pay: waking one and waiting for it costs up to some milliseconds where processors
/// are taken, so each must have about as much to do in a half-step. A row of n ratings costs about
/// n K^2 + K^3 / 3 operations.
int useful_threads(const TrainRequest& request, const TrainReport& report) {
  constexpr double kOperationsWorthAThread = 2e7;
  double k = request.options.factors;
  double rows = static_cast<double>(std::min(report.users, report.items));
  double operations = static_cast<double>(report.ratings) * k * k + rows * k * k * k / 3;
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

void report_iteration(int iteration, int of, double loss, double seconds) {
  int level = verbose() ? NOTICE : DEBUG1;
  server([&] {
    ereport(level,
            (errmsg("als: iteration %d of %d: loss %.9g, %.2f s", iteration, of, loss, seconds)));
  });
}

/// Runs the iterations; the factors stay in the trainer.
void iterate(Trainer& trainer, const TrainRequest& request, Progress& progress,
             TrainReport& report) {
  for (int i = 1; i <= request.options.iterations; ++i) {
    Stopwatch watch;
    trainer.solve_users();
    double loss = trainer.solve_items();
    report.loss.push_back(loss);
    progress.iteration(i, loss);
    report_iteration(i, request.options.iterations, loss, watch.seconds());
  }
}

Datum float8_array(const std::vector<double>& values) {
  return server([&] {
    std::size_t n = values.size();
    auto* datums = static_cast<Datum*>(palloc(std::max<std::size_t>(n, 1) * sizeof(Datum)));
    for (std::size_t i = 0; i < n; ++i) datums[i] = Float8GetDatum(values[i]);
    return PointerGetDatum(construct_array(datums, static_cast<int>(n), FLOAT8OID, sizeof(float8),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
  });
}

Param text_param(const char* value) {
  return {TEXTOID, server([&] { return CStringGetTextDatum(value); })};
}
Param name_param(const std::string& value) {
  return {NAMEOID,
          server([&] { return DirectFunctionCall1(namein, CStringGetDatum(value.c_str())); })};
}
Param class_param(Oid relation) {
  return {REGCLASSOID, ObjectIdGetDatum(relation), !OidIsValid(relation)};
}
Param bigint_param(std::int64_t value) { return {INT8OID, Int64GetDatum(value)}; }
Param int_param(int value) { return {INT4OID, Int32GetDatum(value)}; }
Param float_param(double value) {
  return {FLOAT8OID, server([&] { return Float8GetDatum(value); })};
}

/// Adds the row of this run to the model table; it is left in SPI_tuptable.
void write_model_row(const ModelStore& store, const TrainRequest& request,
                     const TrainReport& report) {
  const TrainOptions& options = request.options;
  const RatingSource& source = request.source;
  bool implicit = options.feedback == Feedback::kImplicit;
  std::string table = store.qualified_name();
  Param rating_col{NAMEOID, 0, true};
  if (source.rating_col) rating_col = name_param(*source.rating_col);
  Param alpha{FLOAT8OID, 0, true};
  if (implicit) alpha = float_param(options.alpha);
  std::uint64_t written = execute(
      "insert into " + table +
          " (run, version, trained_at, source, source_table, user_col, item_col, rating_col,"
          " user_factors, item_factors, feedback, factors, iterations, regularization,"
          " reg_exponent, alpha, biases, on_duplicate, seed, threads, n_rows, n_skipped,"
          " n_duplicates, n_ratings, n_users, n_items, mean, loss, n_refined, read_seconds,"
          " train_seconds, write_seconds) "
          "select coalesce(max(run), 0) + 1, pg_catalog.gen_random_uuid(),"
          " pg_catalog.clock_timestamp(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
          " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29"
          " from " +
          table + " returning *",
      {text_param(source.text.c_str()),
       class_param(source.table),
       name_param(source.user_col),
       name_param(source.item_col),
       rating_col,
       class_param(store.factor_table(Side::kUsers)),
       class_param(store.factor_table(Side::kItems)),
       text_param(implicit ? "implicit" : "explicit"),
       int_param(options.factors),
       int_param(options.iterations),
       float_param(options.regularization),
       float_param(options.reg_exponent),
       alpha,
       {BOOLOID, BoolGetDatum(options.biases)},
       text_param(on_duplicate_name(request.on_duplicate)),
       bigint_param(static_cast<std::int64_t>(options.seed)),
       int_param(request.threads),
       bigint_param(report.rows),
       bigint_param(report.skipped),
       bigint_param(report.duplicates),
       bigint_param(report.ratings),
       bigint_param(report.users),
       bigint_param(report.items),
       float_param(report.mean),
       {FLOAT8ARRAYOID, float8_array(report.loss)},
       bigint_param(report.refined),
       float_param(report.read_seconds),
       float_param(report.train_seconds),
       float_param(report.write_seconds)});
  if (written != 1)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the row of this run could not be added to %s", table.c_str()),
                    "Look for a trigger on the table that suppresses inserts.");
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
  std::optional<Ratings> ratings;
  try {
    ratings.emplace(reader.take_buffer(), user_rank, item_rank, request.on_duplicate, team);
  } catch (const DuplicateRating& duplicate) {
    throw_duplicate(duplicate, users, items);
  }
  report.duplicates = static_cast<std::int64_t>(ratings->duplicates());
  report.ratings = static_cast<std::int64_t>(ratings->size());
  report.users = static_cast<std::int64_t>(ratings->users());
  report.items = static_cast<std::int64_t>(ratings->items());
  report.mean = ratings->mean();
  report.read_seconds = reading.seconds();

  Stopwatch training;
  progress.enter(Phase::kTraining);
  std::vector<std::uint64_t> item_keys = keys_of(items, team);
  ThreadTeam trainers = interruptible_team(useful_threads(request, report));
  Trainer trainer(*ratings, request.options, item_keys, trainers);
  iterate(trainer, request, progress, report);
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

/// The row that write_model_row() returned, as a value of the function's result type.
Datum result_row(FunctionCallInfo fcinfo, MemoryContext context) {
  return server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    TupleDesc desc;
    if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
      elog(ERROR, "return type must be a row type");
    HeapTupleHeader row = SPI_returntuple(SPI_tuptable->vals[0], BlessTupleDesc(desc));
    MemoryContextSwitchTo(old);
    return HeapTupleHeaderGetDatum(row);
  });
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
    TrainRequest request = request_from(fcinfo);
    SpiConnection spi;
    ModelStore store(request.model);
    Progress progress(store.schema(), store.relation(), request.options.iterations);
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
