// Time as benchmarks measure it.
#pragma once

#include <ctime>

namespace als {

/// Seconds of processor time, which others' load disturbs less than the clock on the wall.
inline double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace als
