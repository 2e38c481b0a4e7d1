// Which instruction set the kernels use.
#pragma once

#include <cstdint>
#include <vector>

namespace als {

/// Levels of vector instructions, worst first. The baseline is what every processor of the
/// architecture has: SSE2 on x86-64, NEON on arm64.
enum class SimdLevel : std::uint8_t { kBaseline, kAvx2, kAvx512 };

/// Whether this processor (and this build) can run a level.
bool is_available(SimdLevel level);

/// The levels that this processor (and this build) can run, worst first; never empty.
std::vector<SimdLevel> available_simd_levels();

/// The level that objects made from now on, and the functions in scoring.h, use. The best available
/// one unless set otherwise.
SimdLevel simd_level();

/// Sets the level for the whole process. False, and nothing changes, if it is not available.
/// Results are reproducible bit for bit within a level only: the order of the sums differs.
bool set_simd_level(SimdLevel level);

/// "baseline", "avx2" or "avx512".
const char* simd_level_name(SimdLevel level);

}  // namespace als
