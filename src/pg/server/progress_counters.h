// Where Progress keeps what, among the counters that the server has for each backend.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

// "als": far above the server's own commands, whose views look for their own number only.
inline constexpr std::int32_t kCommandNumber = 0x616c73;
static_assert(sizeof(ProgressCommandType) == sizeof(kCommandNumber));

/// Whether what a session has told of is als's. The server's enumeration has no such value, so that
/// it must not be read as one.
inline bool is_of_als(const PgBackendStatus& backend) {
  std::int32_t number;
  std::memcpy(&number, &backend.st_progress_command, sizeof(number));
  return number == kCommandNumber;
}

enum ProgressCounter {
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
  kBytes,
  kCounters
};
static_assert(kCounters <= PGSTAT_NUM_PROGRESS_PARAM, "the server keeps too few counters");

}  // namespace als::pg
