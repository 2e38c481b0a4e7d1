// The grid of all combinations, and combinations drawn at random.
#include "core/tune/hyperparameter_space.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/splitmix.h"

namespace als {
namespace {

/// The value at `unit`, a number of [0, 1).
double value_at(const HyperparameterSpace::Dimension& dimension, double unit) {
  const std::vector<double>& values = dimension.values;
  if (!values.empty()) return values[static_cast<std::size_t>(unit * values.size())];
  // Each whole number has an interval of its own, of length 1.
  const double low = dimension.integral ? dimension.min - 0.5 : dimension.min;
  const double high = dimension.integral ? dimension.max + 0.5 : dimension.max;
  const double value =
      dimension.logarithmic ? low * std::pow(high / low, unit) : low + (high - low) * unit;
  return std::clamp(dimension.integral ? std::round(value) : value, dimension.min, dimension.max);
}

}  // namespace

bool HyperparameterSpace::has_ranges() const {
  return std::any_of(dimensions_.begin(), dimensions_.end(),
                     [](const Dimension& dimension) { return dimension.values.empty(); });
}

std::size_t HyperparameterSpace::combinations(std::size_t limit) const {
  std::size_t n = 1;
  for (const Dimension& dimension : dimensions_) {
    if (dimension.values.size() > limit / n) return limit + 1;
    n *= dimension.values.size();
  }
  return n;
}

std::vector<HyperparameterSpace::Point> HyperparameterSpace::grid() const {
  std::vector<Point> points(1);
  for (const Dimension& dimension : dimensions_) {
    std::vector<Point> longer;
    for (const Point& point : points) {
      for (const double value : dimension.values) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::vector<HyperparameterSpace::Point> HyperparameterSpace::sample(std::size_t n,
                                                                    std::uint64_t seed) const {
  constexpr std::size_t kDrawsPerPoint = 100;
  std::vector<Point> points;
  std::set<Point> known;
  std::uint64_t counter = splitmix(seed);
  for (std::size_t draw = 0; draw < n * kDrawsPerPoint && points.size() < n; ++draw) {
    Point point;
    for (const Dimension& dimension : dimensions_) {
      counter += kSplitmixStep;
      point.push_back(value_at(dimension, unit_of(splitmix(counter))));
    }
    if (known.insert(point).second) points.push_back(std::move(point));
  }
  return points;
}

}  // namespace als
