// A search for the best options that tries one step after the other.
#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <vector>

namespace als {

/// Looks for the point of a lattice with the highest value by compass search (Kolda, Lewis and
/// Torczon 2003): from the best point so far steps in each direction are tried, further ones where
/// one is better, and steps of half the length where none is. The first point is the origin.
class CompassSearch {
 public:
  using Point = std::vector<int>;  ///< a number for each dimension

  struct Dimension {
    int first_step;  ///< a power of two, halved down to 1
    int lowest;
    int highest;
  };

  explicit CompassSearch(std::vector<Dimension> dimensions);

  /// The point to be tried next, which none was before; nothing at the end. tell() must come
  /// between two calls.
  std::optional<Point> next();

  /// What the point was worth that next() has given; not a number: the least.
  void tell(double value);

 private:
  std::optional<Point> step(std::size_t direction) const;

  std::vector<Dimension> dimensions_;
  std::map<Point, double> values_;
  Point best_;
  double best_value_ = -std::numeric_limits<double>::infinity();
  Point tried_;
  int halvings_ = 0;
  std::size_t direction_ = 0;  // of 2 a dimension
  std::size_t in_vain_ = 0;    // directions, one after the other
};

}  // namespace als
