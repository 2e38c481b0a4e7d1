// Formats numbers with few digits and thousands separators.
#include "report/numbers.h"

#include <cmath>
#include <cstdio>

namespace als {

namespace {

std::string print(const char* pattern, int digits, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, digits, value);
  return text;
}

}  // namespace

std::string significant(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string fixed(double value, int digits) { return print("%.*f", digits, value); }

std::string grouped(double whole) {
  std::string digits = fixed(std::fabs(whole), 0);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return (whole < 0 ? "-" : "") + digits;
}

std::string compact(double value) {
  const double size = std::fabs(value);
  if (size < 1e3 || size >= 1e15) return print("%.*g", 4, value);
  const char* const units[] = {"k", "M", "G", "T"};
  int unit = 0;
  double scaled = value / 1e3;
  for (; std::fabs(scaled) >= 999.95 && unit < 3; ++unit) scaled /= 1e3;
  return print("%.*g", 4, std::round(scaled * 100) / 100) + units[unit];
}

std::string duration(double seconds) {
  if (seconds < 1) return fixed(seconds * 1e3, 0) + " ms";
  if (seconds < 60) return fixed(seconds, 1) + " s";
  const double minutes = std::floor(seconds / 60);
  if (minutes < 60) return fixed(minutes, 0) + " min " + fixed(seconds - 60 * minutes, 0) + " s";
  return fixed(std::floor(minutes / 60), 0) + " h " + fixed(std::fmod(minutes, 60), 0) + " min";
}

}  // namespace als
