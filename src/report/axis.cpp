// Round steps for the ticks of an axis.
#include "report/axis.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"

namespace als {

namespace {

/// The least of 1, 2 and 5 times a power of ten that is no less.
double round_up(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (double factor : {1.0, 2.0, 5.0})
    if (step <= factor * power * (1 + 1e-9)) return factor * power;
  return 10 * power;
}

}  // namespace

Axis Axis::linear(double low, double high, int about_ticks) {
  // Below this share of its values a range is a single value, but for rounding.
  constexpr double kMinShare = 1e-9;
  // Beyond these numbers a step would be infinite, or zero.
  constexpr double kLargest = 1e300;
  constexpr double kSmallest = 1e-300;
  const auto within = [&](double value) {
    return std::isnan(value) ? 0 : std::clamp(value, -kLargest, kLargest);
  };
  low = within(low);
  high = std::max(low, within(high));
  const double size = std::max(std::fabs(low), std::fabs(high));
  if (high - low <= std::max(kMinShare * size, kSmallest)) {
    const double room = size > kSmallest ? size / 10 : 1;
    low -= room;
    high += room;
  }
  Axis axis;
  axis.step_ = round_up((high - low) / about_ticks);
  const double first = std::floor(low / axis.step_ + 1e-9);
  const double last = std::ceil(high / axis.step_ - 1e-9);
  for (double i = first; i <= last; ++i) axis.ticks_.push_back(i * axis.step_);
  axis.low_ = axis.ticks_.front();
  axis.high_ = axis.ticks_.back();
  return axis;
}

Axis Axis::logarithmic(double low, double high) {
  Axis axis;
  axis.logarithmic_ = true;
  axis.low_ = low;
  axis.high_ = std::max(high, 2 * low);
  const bool few = axis.high_ / axis.low_ < 1000;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= axis.high_; power *= 10)
    for (double factor : {1.0, 2.0, 5.0})
      if ((factor == 1 || few) && factor * power >= axis.low_ && factor * power <= axis.high_)
        axis.ticks_.push_back(factor * power);
  return axis;
}

double Axis::place(double value) const {
  const double share = logarithmic_ ? std::log(value / low_) / std::log(high_ / low_)
                                    : (std::clamp(value, low_, high_) - low_) / (high_ - low_);
  return from_ + share * (to_ - from_);
}

std::string Axis::label(double tick) const {
  if (logarithmic_ || std::max(std::fabs(low_), std::fabs(high_)) >= 1e4) return compact(tick);
  if (step_ < 1e-4) return compact(tick);
  // As many digits for each tick of an axis; no minus before a zero.
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step_) - 1e-9)));
  return fixed(std::fabs(tick) < step_ / 2 ? 0 : tick, digits);
}

}  // namespace als
