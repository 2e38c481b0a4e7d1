// Finds out what the processor has, and keeps the level in use.
#include "core/kernels/simd_level.h"

#include <atomic>

#include "core/kernels/kernels.h"

namespace als {
namespace {

/// The widest that the processor has.
SimdLevel default_level() {
  for (SimdLevel level : {SimdLevel::kAvx512, SimdLevel::kAvx2}) {
    if (is_available(level)) return level;
  }
  return SimdLevel::kBaseline;
}

// Initialised on first use and without a destructor, so that loading the module runs no code. What
// reads it need not expect exceptions: it takes no memory.
std::atomic<SimdLevel>& current_level() {
  static std::atomic<SimdLevel> level{default_level()};
  return level;
}

}  // namespace

bool is_available(SimdLevel level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (level) {
    case SimdLevel::kBaseline:
      return true;
    case SimdLevel::kAvx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    case SimdLevel::kAvx512:
      return is_available(SimdLevel::kAvx2) && __builtin_cpu_supports("avx512f") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512vl") != 0;
  }
  return false;
#else
  return level == SimdLevel::kBaseline;
#endif
}

std::vector<SimdLevel> available_simd_levels() {
  std::vector<SimdLevel> levels;
  for (SimdLevel level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (is_available(level)) levels.push_back(level);
  }
  return levels;
}

SimdLevel simd_level() { return current_level().load(std::memory_order_relaxed); }

bool set_simd_level(SimdLevel level) {
  if (!is_available(level)) return false;
  current_level().store(level, std::memory_order_relaxed);
  return true;
}

const char* simd_level_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kAvx512:
      return "avx512";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kBaseline:
      break;
  }
  return "baseline";
}

const Kernels& kernels() {
  switch (simd_level()) {
#if defined(__x86_64__)
    case SimdLevel::kAvx512:
      return has_avx512_vnni() ? avx512_vnni_kernels() : avx512_kernels();
    case SimdLevel::kAvx2:
      return avx2_kernels();
#endif
    default:
      return baseline_kernels();
  }
}

}  // namespace als
