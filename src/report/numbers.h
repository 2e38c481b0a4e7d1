// Numbers as people read them.
#pragma once

#include <string>

namespace als {

/// A whole number with its thousands apart: 1,234,567.
std::string grouped(double whole);

/// Short, for ticks and labels: 950, 1.2k, 34M; 0.0125, 3e-07.
std::string compact(double value);

/// With up to six significant digits.
std::string significant(double value);

/// With this many digits behind the point.
std::string fixed(double value, int digits);

/// A duration: 450 ms, 3.2 s, 5 min 10 s.
std::string duration(double seconds);

}  // namespace als
