// Where Progress keeps what, among the counters that the server has for each backend.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

// "als": far above the server's own commands, whose views look for their own number only. Beyond
// the values of the enumeration too, which is why this is no constant.
inline ProgressCommandType command_number() { return static_cast<ProgressCommandType>(0x616c73); }

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
