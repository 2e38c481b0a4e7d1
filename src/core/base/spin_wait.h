// Waiting for what is about to happen.
#pragma once

#include <chrono>
#include <thread>

namespace als {

/// Looks at the condition again and again, for a millisecond at most. Returns whether it came true.
/// To be woken takes some ten microseconds, and hundreds where a host has taken an idle processor
/// away. After the first fifty it yields the processor to whoever else wants it between two looks.
template <class Condition>
bool spin_wait(const Condition& condition) {
  constexpr std::chrono::microseconds kAlone{50};
  constexpr std::chrono::microseconds kLongest{1000};
  constexpr int kLooksPerClock = 32;
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    for (int look = 0; look < kLooksPerClock; ++look) {
      if (condition()) return true;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
    const auto waited = std::chrono::steady_clock::now() - start;
    if (waited >= kLongest) return condition();
    if (waited >= kAlone) std::this_thread::yield();
  }
}

}  // namespace als
