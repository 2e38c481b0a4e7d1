// Finds out what the processor has, and keeps the level in use.
#include "core/kernels/simd_level.h"

#include <atomic>

#include "core/kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace als {
namespace {

/// What the kernels ask for of a processor, where the system keeps its registers too.
struct ProcessorFeatures {
  bool avx2 = false;  ///< with fused multiply-add
  bool avx512 = false;
  bool avx512_vnni = false;
};

#if defined(__x86_64__)

/// The registers that the system saves when it gives the processor to another thread.
std::uint32_t saved_registers() {
  std::uint32_t low;
  std::uint32_t high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/// In a virtual machine each question costs some ten microseconds. The compiler's own
/// __builtin_cpu_supports asks thirteen, whenever a library is loaded that has it.
ProcessorFeatures ask_processor() {
  constexpr std::uint32_t kAvxRegisters = 0x6;
  constexpr std::uint32_t kAvx512Registers = 0xe6;
  constexpr std::uint32_t kAvx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  const auto has = [](std::uint32_t bits, std::uint32_t wanted) {
    return (bits & wanted) == wanted;
  };
  ProcessorFeatures features;
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
  std::uint32_t d;
  __cpuid(1, a, b, c, d);
  if (!has(c, bit_OSXSAVE | bit_AVX | bit_FMA)) return features;
  const std::uint32_t saved = saved_registers();
  if (!has(saved, kAvxRegisters)) return features;
  // Every processor with AVX knows this question.
  __cpuid_count(7, 0, a, b, c, d);
  features.avx2 = has(b, bit_AVX2);
  features.avx512 = features.avx2 && has(saved, kAvx512Registers) && has(b, kAvx512);
  features.avx512_vnni = features.avx512 && has(c, bit_AVX512VNNI);
  return features;
}

#else

ProcessorFeatures ask_processor() { return {}; }

#endif

const ProcessorFeatures& processor_features() {
  static const ProcessorFeatures known = ask_processor();
  return known;
}

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
  switch (level) {
    case SimdLevel::kBaseline:
      return true;
    case SimdLevel::kAvx2:
      return processor_features().avx2;
    case SimdLevel::kAvx512:
      return processor_features().avx512;
  }
  return false;
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
      return processor_features().avx512_vnni ? avx512_vnni_kernels() : avx512_kernels();
    case SimdLevel::kAvx2:
      return avx2_kernels();
#endif
    default:
      return baseline_kernels();
  }
}

}  // namespace als
