// The options among which a search looks for the best.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace als {

/// Values of several options, to be combined.
class HyperparameterSpace {
 public:
  /// What one option may be: one of `values`, or where there are none anything from min to max.
  struct Dimension {
    std::vector<double> values;
    double min = 0;
    double max = 0;
    bool logarithmic = false;  ///< equal ratios are equally likely, not equal differences
    bool integral = false;
  };
  using Point = std::vector<double>;  ///< a value for each option

  void add(Dimension dimension) { dimensions_.push_back(std::move(dimension)); }

  bool has_ranges() const;

  /// How many combinations of values there are, or `limit` + 1 if more. Without ranges alone.
  std::size_t combinations(std::size_t limit) const;

  /// All of them, the last option changing first.
  std::vector<Point> grid() const;

  /// Random points (Bergstra and Bengio 2012), no two alike: n of them, or fewer where many more
  /// draws bring no new one. Each depends on the seed and on those before it.
  std::vector<Point> sample(std::size_t n, std::uint64_t seed) const;

 private:
  std::vector<Dimension> dimensions_;
};

}  // namespace als
