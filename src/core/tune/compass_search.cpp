// Steps in one direction after the other.
#include "core/tune/compass_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace als {

CompassSearch::CompassSearch(std::vector<Dimension> dimensions)
    : dimensions_(std::move(dimensions)), best_(dimensions_.size(), 0) {}

/// The neighbour of the best point in a direction, if it lies within the bounds. A dimension whose
/// steps cannot be halved any more has none.
std::optional<CompassSearch::Point> CompassSearch::step(std::size_t direction) const {
  const std::size_t place = direction / 2;
  const Dimension& dimension = dimensions_[place];
  const int length = dimension.first_step >> halvings_;
  Point point = best_;
  point[place] += direction % 2 == 0 ? -length : length;
  if (length == 0 || point[place] < dimension.lowest || point[place] > dimension.highest)
    return std::nullopt;
  return point;
}

std::optional<CompassSearch::Point> CompassSearch::next() {
  if (values_.empty()) return tried_ = best_;
  const auto has_steps = [&](const Dimension& dimension) {
    return dimension.first_step >> halvings_ > 0;
  };
  const std::size_t directions = 2 * dimensions_.size();
  for (; std::any_of(dimensions_.begin(), dimensions_.end(), has_steps); ++halvings_) {
    for (; in_vain_ < directions; ++in_vain_) {
      const std::optional<Point> point = step(direction_);
      if (point && values_.count(*point) == 0) return tried_ = *point;
      direction_ = (direction_ + 1) % directions;
    }
    in_vain_ = 0;
  }
  return std::nullopt;
}

void CompassSearch::tell(double value) {
  if (std::isnan(value)) value = -std::numeric_limits<double>::infinity();
  const bool is_first = values_.empty();
  values_[tried_] = value;
  if (is_first || value > best_value_) {
    best_ = tried_;
    best_value_ = value;
    in_vain_ = 0;  // and on in the same direction
  } else {
    direction_ = (direction_ + 1) % (2 * dimensions_.size());
    ++in_vain_;
  }
}

}  // namespace als
