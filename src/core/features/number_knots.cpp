// Knots by quantiles, and hats between two of them.
#include "core/features/number_knots.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

// In a part. The weight of a knot with fewer would tell what these few are like by chance.
constexpr std::size_t kFewestValues = 16;
constexpr std::size_t kFewestKnots = 3;

// Values that differ by less than this part of them are the same but for rounding.
constexpr double kSame = 1e-12;

bool is_above(double value, double other) {
  return value - other > kSame * std::max(std::fabs(value), std::fabs(other));
}

/// (value - begin) / (end - begin), where the differences may be out of range.
double share_of_way(double begin, double value, double end) {
  const double way = end - begin;
  if (std::isfinite(way)) return (value - begin) / way;
  return (value / 2 - begin / 2) / (end / 2 - begin / 2);
}

}  // namespace

std::vector<double> knots_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t parts = std::min(kMostKnots, values.size() / kFewestValues);
  std::vector<double> knots;
  for (std::size_t part = 0; part < parts; ++part) {
    const double median = values[(2 * part + 1) * values.size() / (2 * parts)] + 0.0;  // never -0
    if (knots.empty() || is_above(median, knots.back())) knots.push_back(median);
  }
  if (knots.size() < kFewestKnots) knots.clear();
  return knots;
}

Hats hats_at(const std::vector<double>& knots, double value) {
  const auto next = std::upper_bound(knots.begin(), knots.end(), value);
  if (next == knots.begin()) return {0, 1, 0};
  const auto first = static_cast<std::size_t>(next - knots.begin()) - 1;
  if (next == knots.end()) return {first, 1, 0};
  const double share = share_of_way(knots[first], value, *next);
  return {first, 1 - share, share};
}

}  // namespace als
