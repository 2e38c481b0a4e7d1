// Reports progress by the server's own counters, and shows that of all sessions.
#include "pg/server/progress.h"
#include "pg/server/result_rows.h"

namespace als::pg {

namespace {

// "als": far above the server's own commands, whose views look for their own number only. Beyond
// the values of the enumeration too, which is why this is no constant.
ProgressCommandType command_number() { return static_cast<ProgressCommandType>(0x616c73); }

enum Counter {
  kCommand,
  kSchema,
  kName,  // kNameWords counters hold the bytes of the name
  kNameWords = NAMEDATALEN / sizeof(int64),
  kPhase = kName + kNameWords,
  kFinished,
  kSteps,
  kLossBits,
  kRows,
  kStarted,
  kStepsStarted,
  kStepFinished,
  kTrial,
  kCounters
};
static_assert(kCounters <= PGSTAT_NUM_PROGRESS_PARAM, "the server keeps too few counters");

const char* command_name(Command command) {
  switch (command) {
    case Command::kTrain:
      return "train";
    case Command::kRecommendAll:
      return "recommend_all";
    case Command::kEvaluate:
      return "evaluate";
    case Command::kTune:
      return "tune";
    case Command::kRefreshUsers:
      return "refresh_users";
    case Command::kRefreshItems:
      return "refresh_items";
    case Command::kImportModel:
      return "import_model";
  }
  return "";
}

const char* phase_name(std::int64_t phase) {
  switch (static_cast<Phase>(phase)) {
    case Phase::kWaiting:
      return "waiting for other writers";
    case Phase::kRemoving:
      return "removing old rows";
    case Phase::kReading:
      return "reading";
    case Phase::kIndexing:
      return "indexing";
    case Phase::kTraining:
      return "training";
    case Phase::kSolving:
      return "solving";
    case Phase::kScoring:
      return "scoring";
    case Phase::kWriting:
      return "writing";
  }
  return "";
}

bool has_steps(Command command) {
  return command == Command::kTrain || command == Command::kRecommendAll ||
         command == Command::kEvaluate || command == Command::kTune;
}

/// Microseconds as an interval.
Datum interval(std::int64_t microseconds) {
  auto* result = static_cast<Interval*>(palloc0(sizeof(Interval)));
  result->time = microseconds;
  return IntervalPGetDatum(result);
}

}  // namespace

Progress::Progress(Command command, const TargetTable& table)
    : command_(command), schema_(table.schema()), started_(GetCurrentTimestamp()) {
  namestrcpy(&name_, table.relation().c_str());
  publish();
}

Progress::Progress(Command command, Oid relation)
    : command_(command), started_(GetCurrentTimestamp()) {
  server([&] {
    schema_ = get_rel_namespace(relation);
    const char* name = get_rel_name(relation);
    namestrcpy(&name_, name == nullptr ? "" : name);  // just dropped
  });
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
  value[kCommand] = static_cast<int64>(command_);
  value[kSchema] = schema_;
  std::copy(name, name + kNameWords, value + kName);
  value[kPhase] = phase_;
  value[kFinished] = finished_;
  value[kSteps] = steps_;
  value[kLossBits] = loss_bits_;
  value[kRows] = rows_;
  value[kStarted] = started_;
  value[kStepsStarted] = steps_started_;
  value[kStepFinished] = step_finished_;
  value[kTrial] = trial_;
  pgstat_progress_start_command(command_number(), InvalidOid);
  pgstat_progress_update_multi_param(kCounters, index, value);
}

void Progress::expect(std::int64_t steps) {
  steps_ = steps;
  publish();
}

void Progress::enter(Phase phase) {
  phase_ = static_cast<std::int64_t>(phase);
  bool first_step = phase == Phase::kTraining || phase == Phase::kScoring;
  if (first_step && steps_started_ == 0) steps_started_ = GetCurrentTimestamp();
  publish();
}

void Progress::rows_read(std::int64_t rows) {
  rows_ = rows;
  publish();
}

void Progress::steps_done(std::int64_t steps) {
  finished_ = steps;
  step_finished_ = GetCurrentTimestamp();
  publish();
}

void Progress::iteration(int finished, double loss) {
  std::memcpy(&loss_bits_, &loss, sizeof(loss));
  steps_done(finished);
}

void Progress::trial(int number, std::int64_t iterations) {
  trial_ = number;
  steps_done(iterations);
}

void Progress::hide() { pgstat_progress_end_command(); }

namespace {

/// Adds a row for each command in this database that the caller may see. A server call.
void put_commands(ResultRows& rows) {
  TimestampTz now = GetCurrentTimestamp();
  int backends = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= backends; ++i) {
    const PgBackendStatus& backend = local_backend_entry(i)->backendStatus;
    if (backend.st_progress_command != command_number() || backend.st_databaseid != MyDatabaseId)
      continue;
    if (!has_privs_of_role(GetUserId(), kReadAllStats) &&
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
    auto command = static_cast<Command>(counter[kCommand]);

    Datum values[11] = {};
    bool nulls[11] = {};
    values[0] = Int32GetDatum(backend.st_procpid);
    values[1] = CStringGetTextDatum(command_name(command));
    values[2] = CStringGetTextDatum(quote_qualified_identifier(schema, NameStr(name)));
    nulls[2] = NameStr(name)[0] == '\0';
    values[3] = CStringGetTextDatum(phase_name(counter[kPhase]));
    values[4] = Int32GetDatum(static_cast<int32>(finished));
    values[5] = Int32GetDatum(static_cast<int32>(counter[kSteps]));
    nulls[4] = nulls[5] = !has_steps(command);
    values[6] = Float8GetDatum(loss);
    nulls[6] = finished == 0 || command != Command::kTrain;
    values[7] = Int64GetDatum(counter[kRows]);
    values[8] = interval(now - counter[kStarted]);
    // Steps cost alike: those to come take as long each as those behind. A training's writing comes
    // after them, that of recommendations is part of them. (Trials differ, so that of a tuning the
    // time to come is a rough guess.)
    nulls[9] = finished == 0 || (command != Command::kRecommendAll && phase != Phase::kTraining);
    if (!nulls[9]) {
      int64 each = (counter[kStepFinished] - counter[kStepsStarted]) / finished;
      values[9] =
          interval(std::max<int64>(each * counter[kSteps] - (now - counter[kStepsStarted]), 0));
    }
    values[10] = Int32GetDatum(static_cast<int32>(counter[kTrial]));
    nulls[10] = counter[kTrial] == 0;
    rows.put(values, nulls);
  }
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_command_progress)

/// als._command_progress(): a row for each command in this database that the caller may see, under
/// the server's own rule for progress views: one's own roles', or all with pg_read_all_stats.
Datum als_command_progress(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows rows(fcinfo);
    server([&] { put_commands(rows); });
    return static_cast<Datum>(0);
  });
}
