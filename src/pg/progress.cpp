#include "pg/progress.h"

namespace als::pg {

namespace {

// Far above the server's own commands, whose views look for their own number only.
constexpr auto kTrainingCommand = static_cast<ProgressCommandType>(0x616c73);  // "als"

enum Counter {
  kSchema,
  kName,  // kNameWords counters hold the bytes of the name
  kNameWords = NAMEDATALEN / sizeof(int64),
  kPhase = kName + kNameWords,
  kFinished,
  kIterations,
  kLossBits,
  kRows,
  kStarted,
  kTrainingStarted,
  kIterationFinished,
  kCounters
};
static_assert(kCounters <= PGSTAT_NUM_PROGRESS_PARAM, "the server keeps too few counters");

const char* phase_name(std::int64_t phase) {
  switch (static_cast<Phase>(phase)) {
    case Phase::kWaiting:
      return "waiting for other writers";
    case Phase::kReading:
      return "reading";
    case Phase::kIndexing:
      return "indexing";
    case Phase::kTraining:
      return "training";
    case Phase::kWriting:
      return "writing";
  }
  return "";
}

/// Microseconds as an interval.
Datum interval(std::int64_t microseconds) {
  auto* result = static_cast<Interval*>(palloc0(sizeof(Interval)));
  result->time = microseconds;
  return IntervalPGetDatum(result);
}

}  // namespace

Progress::Progress(Oid schema, const std::string& name, int iterations)
    : schema_(schema), iterations_(iterations), started_(GetCurrentTimestamp()) {
  namestrcpy(&name_, name.c_str());
  publish();
}

/// Starts the command anew each time: a statement in between may have left something in the
/// counters.
void Progress::publish() {
  int index[kCounters];
  std::int64_t name[kNameWords];
  std::memcpy(name, NameStr(name_), sizeof(name));
  int64 value[kCounters] = {};
  for (int i = 0; i < kCounters; ++i) index[i] = i;
  value[kSchema] = schema_;
  std::copy(name, name + kNameWords, value + kName);
  value[kPhase] = phase_;
  value[kFinished] = finished_;
  value[kIterations] = iterations_;
  value[kLossBits] = loss_bits_;
  value[kRows] = rows_;
  value[kStarted] = started_;
  value[kTrainingStarted] = training_started_;
  value[kIterationFinished] = iteration_finished_;
  pgstat_progress_start_command(kTrainingCommand, InvalidOid);
  pgstat_progress_update_multi_param(kCounters, index, value);
}

void Progress::enter(Phase phase) {
  phase_ = static_cast<std::int64_t>(phase);
  if (phase == Phase::kTraining) training_started_ = GetCurrentTimestamp();
  publish();
}

void Progress::rows_read(std::int64_t rows) {
  rows_ = rows;
  publish();
}

void Progress::iteration(int finished, double loss) {
  finished_ = finished;
  std::memcpy(&loss_bits_, &loss, sizeof(loss));
  iteration_finished_ = GetCurrentTimestamp();
  publish();
}

void Progress::hide() { pgstat_progress_end_command(); }

}  // namespace als::pg

ALS_SQL_FUNCTION(als_training_progress)

/// als.training_progress(): a row for each training in this database that the caller may see, under
/// the server's own rule for progress views: one's own roles', or all with pg_read_all_stats.
Datum als_training_progress(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  init_materialized_srf(fcinfo);
  auto* rsinfo = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  TimestampTz now = GetCurrentTimestamp();
  int backends = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= backends; ++i) {
    const PgBackendStatus& backend = local_backend_entry(i)->backendStatus;
    if (backend.st_progress_command != kTrainingCommand || backend.st_databaseid != MyDatabaseId)
      continue;
    if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) &&
        !has_privs_of_role(GetUserId(), backend.st_userid))
      continue;
    const int64* counter = backend.st_progress_param;

    NameData name;
    std::memcpy(NameStr(name), counter + kName, NAMEDATALEN);
    NameStr(name)[NAMEDATALEN - 1] = '\0';
    const char* schema = get_namespace_name(static_cast<Oid>(counter[kSchema]));
    double loss;
    std::memcpy(&loss, &counter[kLossBits], sizeof(loss));
    int64 finished = counter[kFinished];
    auto phase = static_cast<Phase>(counter[kPhase]);

    Datum values[9] = {};
    bool nulls[9] = {};
    values[0] = Int32GetDatum(backend.st_procpid);
    values[1] = CStringGetTextDatum(quote_qualified_identifier(schema, NameStr(name)));
    values[2] = CStringGetTextDatum(phase_name(counter[kPhase]));
    values[3] = Int32GetDatum(static_cast<int32>(finished));
    values[4] = Int32GetDatum(static_cast<int32>(counter[kIterations]));
    values[5] = Float8GetDatum(loss);
    nulls[5] = finished == 0;
    values[6] = Int64GetDatum(counter[kRows]);
    values[7] = interval(now - counter[kStarted]);
    // Iterations cost alike: those to come take as long each as those behind.
    nulls[8] = finished == 0 || phase != Phase::kTraining;
    if (!nulls[8]) {
      int64 each = (counter[kIterationFinished] - counter[kTrainingStarted]) / finished;
      values[8] = interval(
          std::max<int64>(each * counter[kIterations] - (now - counter[kTrainingStarted]), 0));
    }
    tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
  }
  return static_cast<Datum>(0);
}
