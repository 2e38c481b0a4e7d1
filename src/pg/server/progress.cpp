// Reports progress by the server's own counters.
#include "pg/server/progress.h"

#include "pg/server/progress_counters.h"

namespace als::pg {

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
  value[kBytes] = bytes_;
  pgstat_progress_start_command(static_cast<ProgressCommandType>(kCommandNumber), InvalidOid);
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

void Progress::more_bytes_moved(std::int64_t bytes) {
  bytes_ += bytes;
  publish();
}

void Progress::trial(int number, std::int64_t iterations) {
  trial_ = number;
  steps_done(iterations);
}

void Progress::hide() { pgstat_progress_end_command(); }

}  // namespace als::pg
