// The map of the items: points, and labels that do not cover one another.

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/charts.h"
#include "report/html.h"
#include "report/numbers.h"

namespace als {

namespace {

constexpr int kMapHeight = 640;
constexpr std::size_t kMaxLabels = 60;
constexpr std::size_t kLabelCharacters = 26;

struct Box {
  double left;
  double top;
  double right;
  double bottom;

  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

std::size_t characters(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Grows with the logarithm of the item's share of the ratings of the most rated one.
double radius(std::int64_t ratings, std::int64_t most) {
  const double share = std::log1p(static_cast<double>(std::max<std::int64_t>(ratings, 0))) /
                       std::log1p(static_cast<double>(std::max<std::int64_t>(most, 1)));
  return 1.5 + 4.5 * share * share;
}

/// Finds a place beside the point that is free and inside the chart.
class LabelPlacer {
 public:
  explicit LabelPlacer(const Chart& chart)
      : inside_{chart.left(), chart.top(), chart.right(), chart.bottom()} {}

  void occupy(const Box& box) { taken_.push_back(box); }

  bool place(double x, double y, double radius, double width, Box& place) {
    constexpr double kLine = 13;
    const double gap = radius + 3;
    const Box candidates[] = {
        {x + gap, y - kLine / 2, x + gap + width, y + kLine / 2},
        {x - gap - width, y - kLine / 2, x - gap, y + kLine / 2},
        {x - width / 2, y - gap - kLine, x + width / 2, y - gap},
        {x - width / 2, y + gap, x + width / 2, y + gap + kLine},
    };
    for (const Box& box : candidates) {
      if (box.left < inside_.left || box.right > inside_.right || box.top < inside_.top ||
          box.bottom > inside_.bottom)
        continue;
      if (std::any_of(taken_.begin(), taken_.end(), [&](const Box& b) { return b.meets(box); }))
        continue;
      taken_.push_back(box);
      place = box;
      return true;
    }
    return false;
  }

 private:
  Box inside_;
  std::vector<Box> taken_;
};

}  // namespace

std::string item_map(const std::string& id, Chart::Texts texts,
                     const std::vector<MapPoint>& points) {
  const auto [left, right] = std::minmax_element(
      points.begin(), points.end(), [](const MapPoint& a, const MapPoint& b) { return a.x < b.x; });
  const auto [low, high] = std::minmax_element(
      points.begin(), points.end(), [](const MapPoint& a, const MapPoint& b) { return a.y < b.y; });
  std::int64_t most = 0;
  for (const MapPoint& point : points) most = std::max(most, point.ratings);
  Chart chart(id, std::move(texts), Axis::linear(left->x, right->x, 10),
              Axis::linear(low->y, high->y, 8), kFullWidth, kMapHeight);

  // The most rated ones are drawn last, on top of the others.
  std::string circles;
  for (auto point = points.rbegin(); point != points.rend(); ++point)
    circles += "<circle class=\"point\" r=\"" + pixels(radius(point->ratings, most)) + "\" cx=\"" +
               pixels(chart.x(point->x)) + "\" cy=\"" + pixels(chart.y(point->y)) + "\">" +
               tooltip(point->title + ", " + grouped(static_cast<double>(point->ratings)) +
                       (point->ratings == 1 ? " rating" : " ratings")) +
               "</circle>\n";
  chart.draw(circles);

  LabelPlacer labels(chart);
  const std::size_t n = std::min(points.size(), kMaxLabels);
  for (std::size_t i = 0; i < n; ++i) {
    const double x = chart.x(points[i].x);
    const double y = chart.y(points[i].y);
    const double r = radius(points[i].ratings, most);
    labels.occupy({x - r, y - r, x + r, y + r});
  }
  std::string names;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string name = shortened(points[i].title, kLabelCharacters);
    // The width of text in an unknown font, on the safe side: digits of DejaVu Sans are as wide.
    const double width = 7.2 * static_cast<double>(characters(name));
    const double r = radius(points[i].ratings, most);
    Box box{};
    if (!labels.place(chart.x(points[i].x), chart.y(points[i].y), r, width, box)) continue;
    const double x = chart.x(points[i].x);
    const bool beside_right = box.left > x;
    const bool beside_left = box.right < x;
    names += "<text x=\"" +
             pixels(beside_right  ? box.left
                    : beside_left ? box.right
                                  : x) +
             "\" y=\"" + pixels(box.bottom - 3) + "\" text-anchor=\"" +
             (beside_right  ? "start"
              : beside_left ? "end"
                            : "middle") +
             "\">" + escaped(name) + "</text>\n";
  }
  chart.draw("<g class=\"name\">" + names + "</g>");
  return chart.html();
}

}  // namespace als
