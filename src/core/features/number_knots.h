// What a number says beside a line: weights of its own around some values.
#pragma once

#include <cstddef>
#include <vector>

namespace als {

/// A column of numbers has no more knots than this.
constexpr std::size_t kMostKnots = 16;

/// Values to have weights of their own, ascending and different: the medians of up to kMostKnots
/// parts of these finite values, as equal as can be, each of sixteen values or more. None where
/// there would be fewer than three, as a line says as much as two. The order of the values does not
/// matter.
std::vector<double> knots_of(std::vector<double> values);

/// The linear B-splines over some knots (de Boor 1978) that are not 0 at a value. That of a knot is
/// 1 there, falls along a line to 0 at the next on either side, and stays 1 beyond the outermost.
/// So a value has one or two, which add up to 1, and weights times these make a line from knot to
/// knot.
struct Hats {
  std::size_t first;  ///< the knot before the value, or the first of all
  double of_first;
  double of_next;  ///< of the knot after it, or 0
};

/// knots: ascending and different, one or more.
Hats hats_at(const std::vector<double>& knots, double value);

}  // namespace als
