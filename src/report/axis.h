// One dimension of a chart.
#pragma once

#include <string>
#include <vector>

namespace als {

/// Maps values to pixels, and knows where its ticks are. Whatever the values, an axis has an
/// extent: a single value gets some room on both sides.
class Axis {
 public:
  /// From the ticks at or below `low` to those at or above `high`. What is beyond has its place at
  /// the nearest end.
  static Axis linear(double low, double high, int about_ticks);

  /// From `low` to `high` as they are, both above zero; ticks at powers of ten, and between them if
  /// these are few.
  static Axis logarithmic(double low, double high);

  /// Says which pixels the ends come to.
  void span(double from, double to) {
    from_ = from;
    to_ = to;
  }

  double place(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  const std::vector<double>& ticks() const { return ticks_; }
  std::string label(double tick) const;

 private:
  double low_ = 0;
  double high_ = 1;
  double step_ = 0;
  bool logarithmic_ = false;
  double from_ = 0;
  double to_ = 1;
  std::vector<double> ticks_;
};

}  // namespace als
