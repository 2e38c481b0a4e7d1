// What single precision allows a kernel to be wrong by.
#pragma once

namespace als {

constexpr double kUnit = 1.0 / (1 << 24);  // the rounding error of one operation

}  // namespace als
