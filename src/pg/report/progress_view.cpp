// The view als.progress: what sessions at work have told.

#include "pg/server/progress.h"
#include "pg/server/progress_counters.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

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

/// Adds a row for each command in this database that the caller may see. A server call.
void put_commands(ResultRows& rows) {
  TimestampTz now = GetCurrentTimestamp();
  int backends = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= backends; ++i) {
    const PgBackendStatus& backend = local_backend_entry(i)->backendStatus;
    if (!is_of_als(backend) || backend.st_databaseid != MyDatabaseId) continue;
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

    Datum values[12] = {};
    bool nulls[12] = {};
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
    values[11] = Int64GetDatum(counter[kBytes]);  // unknown to 1.0
    nulls[11] = counter[kBytes] == 0;
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
