// Waiting for what is about to happen.
#pragma once

#include <chrono>

namespace als {

/// Looks at the condition again and again, for about as long as going to sleep and being woken
/// takes. Returns whether it came true.
template <class Condition>
bool spin_wait(const Condition& condition) {
  constexpr std::chrono::microseconds kLongest{50};
  constexpr int kLooksPerClock = 32;
  const auto limit = std::chrono::steady_clock::now() + kLongest;
  do {
    for (int look = 0; look < kLooksPerClock; ++look) {
      if (condition()) return true;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
  } while (std::chrono::steady_clock::now() < limit);
  return condition();
}

}  // namespace als
