// What must hold, checked in builds for debugging (make debug).
#pragma once

#include <cstdio>
#include <cstdlib>

#ifdef ALS_ASSERTIONS
#define ALS_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : als::fail_assertion(#condition, __FILE__, __LINE__))
#else
#define ALS_ASSERT(condition) static_cast<void>(0)
#endif

namespace als {

[[noreturn]] inline void fail_assertion(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "als: %s:%d: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace als
