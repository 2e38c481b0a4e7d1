// Draws the frame of a chart as SVG.
#include "report/chart.h"

#include <utility>

#include "report/html.h"
#include "report/numbers.h"

namespace als {

std::string pixels(double value) { return fixed(value, 1); }

std::string tooltip(const std::string& text) { return "<title>" + escaped(text) + "</title>"; }

Chart::Chart(std::string id, Texts texts, Axis x, Axis y, int width, int height)
    : id_(std::move(id)),
      texts_(std::move(texts)),
      x_(std::move(x)),
      y_(std::move(y)),
      width_(width),
      height_(height) {
  x_.span(left(), right());
  y_.span(bottom(), top());
}

std::string Chart::grid() const {
  std::string svg = "<g class=\"grid\">";
  for (double tick : y_.ticks()) {
    const std::string at = pixels(y_.place(tick));
    svg += "<line x1=\"" + pixels(left()) + "\" x2=\"" + pixels(right()) + "\" y1=\"" + at +
           "\" y2=\"" + at + "\"/>";
  }
  svg += "</g><g class=\"tick\" text-anchor=\"end\">";
  for (double tick : y_.ticks())
    svg += "<text x=\"" + pixels(left() - 8) + "\" y=\"" + pixels(y_.place(tick) + 4) + "\">" +
           y_.label(tick) + "</text>";
  svg += "</g><g class=\"tick\" text-anchor=\"middle\">";
  for (double tick : x_.ticks())
    svg += "<text x=\"" + pixels(x_.place(tick)) + "\" y=\"" + pixels(bottom() + 18) + "\">" +
           x_.label(tick) + "</text>";
  svg += "</g><g class=\"axis\"><line x1=\"" + pixels(left()) + "\" x2=\"" + pixels(right()) +
         "\" y1=\"" + pixels(bottom()) + "\" y2=\"" + pixels(bottom()) + "\"/>";
  for (double tick : x_.ticks()) {
    const std::string at = pixels(x_.place(tick));
    svg += "<line x1=\"" + at + "\" x2=\"" + at + "\" y1=\"" + pixels(bottom()) + "\" y2=\"" +
           pixels(bottom() + 4) + "\"/>";
  }
  return svg + "</g>";
}

std::string Chart::html() const {
  const std::string label = id_ + "-title " + id_ + "-desc";
  return "<figure class=\"card\" id=\"" + id_ + "\"><figcaption>" + escaped(texts_.title) +
         "<span class=\"unit\">" + escaped(texts_.y_label) +
         "</span></figcaption>\n<svg viewBox=\"0 0 " + std::to_string(width_) + " " +
         std::to_string(height_) + "\" role=\"img\" aria-labelledby=\"" + label +
         "\"><title id=\"" + id_ + "-title\">" + escaped(texts_.title) + "</title><desc id=\"" +
         id_ + "-desc\">" + escaped(texts_.description) + "</desc>\n" + grid() +
         "<text class=\"label\" text-anchor=\"middle\" x=\"" + pixels((left() + right()) / 2) +
         "\" y=\"" + std::to_string(height_ - 6) + "\">" + escaped(texts_.x_label) + "</text>\n" +
         marks_ + "</svg></figure>\n";
}

}  // namespace als
