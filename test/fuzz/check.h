// What a fuzzer asks of a result.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process, which libFuzzer notes together with the input.
inline void check(bool condition, int line = __builtin_LINE()) {
  if (condition) return;
  std::fprintf(stderr, "line %d: not so\n", line);
  std::abort();
}
