// The frame that all charts share: title, axes, grid.
#pragma once

#include <string>

#include "report/axis.h"

namespace als {

/// A chart as an SVG element, drawn from its frame to what the frame holds. Its colours come from
/// the page's style, by classes, so that they follow the reader's light or dark theme.
class Chart {
 public:
  struct Texts {
    std::string title;        ///< above the chart
    std::string description;  ///< for those who do not see it
    std::string x_label;
    std::string y_label;
  };

  /// `id` names the chart in the page. Width and height are in units of the drawing, which scales.
  Chart(std::string id, Texts texts, Axis x, Axis y, int width, int height);

  double x(double value) const { return x_.place(value); }
  double y(double value) const { return y_.place(value); }
  double left() const { return kLeft; }
  double right() const { return width_ - kRight; }
  double top() const { return kTop; }
  double bottom() const { return height_ - kBottom; }

  /// Adds elements of SVG.
  void draw(const std::string& svg) { marks_ += svg; }

  /// The finished figure.
  std::string html() const;

 private:
  static constexpr int kLeft = 54;
  static constexpr int kRight = 16;
  static constexpr int kTop = 12;
  static constexpr int kBottom = 44;

  std::string grid() const;

  std::string id_;
  Texts texts_;
  Axis x_;
  Axis y_;
  int width_;
  int height_;
  std::string marks_;
};

/// A coordinate, to a tenth.
std::string pixels(double value);

/// What a mark says when pointed at.
std::string tooltip(const std::string& text);

}  // namespace als
