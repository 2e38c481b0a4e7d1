// Draws bars and lines into the frame.
#include "report/charts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/html.h"
#include "report/numbers.h"

namespace als {

namespace {

constexpr int kHeight = 270;

std::string bin_text(const Bin& bin, bool whole_numbers) {
  if (!whole_numbers) return significant(bin.low) + " to " + significant(bin.high);
  if (bin.high - bin.low <= 1) return grouped(bin.low);
  return grouped(bin.low) + " to " + grouped(bin.high - 1);
}

}  // namespace

std::string iteration_chart(const std::string& id, Chart::Texts texts,
                            const std::vector<double>& values, Best best) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  Axis x = Axis::linear(1, std::max<double>(static_cast<double>(values.size()), 2), 8);
  Chart chart(id, std::move(texts), std::move(x), Axis::linear(*low, *high, 5), kHalfWidth,
              kHeight);

  std::string points;
  std::string dots;
  const bool few = values.size() <= 40;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto iteration = static_cast<double>(i + 1);
    const std::string px = pixels(chart.x(iteration));
    const std::string py = pixels(chart.y(values[i]));
    points += px + "," + py + " ";
    if (few)
      dots += "<circle class=\"dot\" r=\"3\" cx=\"" + px + "\" cy=\"" + py + "\">" +
              tooltip("iteration " + grouped(iteration) + ": " + significant(values[i])) +
              "</circle>";
  }
  chart.draw("<polyline class=\"line\" points=\"" + points + "\"/>" + dots);

  const auto at = best == Best::kHigh ? high : low;
  const auto i = static_cast<std::size_t>(
      best == Best::kNone ? values.size() - 1 : static_cast<std::size_t>(at - values.begin()));
  const double px = chart.x(static_cast<double>(i + 1));
  const double py = chart.y(values[i]);
  const bool right_half = px > (chart.left() + chart.right()) / 2;
  chart.draw("<circle class=\"mark\" r=\"4.5\" cx=\"" + pixels(px) + "\" cy=\"" + pixels(py) +
             "\"/><text class=\"value\" text-anchor=\"" + (right_half ? "end" : "start") +
             "\" x=\"" + pixels(px + (right_half ? 4 : -4)) + "\" y=\"" +
             pixels(py + (py < chart.top() + 8 ? 20 : -11)) + "\">" + compact(values[i]) +
             "</text>");
  return chart.html();
}

std::string histogram(const std::string& id, Chart::Texts texts, const std::vector<Bin>& bins,
                      bool logarithmic, const std::string& unit, int width) {
  std::int64_t most = 0;
  for (const Bin& bin : bins) most = std::max(most, bin.count);
  Axis x = logarithmic ? Axis::logarithmic(bins.front().low, bins.back().high)
                       : Axis::linear(bins.front().low, bins.back().high, 8);
  Chart chart(id, std::move(texts), std::move(x), Axis::linear(0, static_cast<double>(most), 4),
              width, kHeight);
  std::string bars;
  for (const Bin& bin : bins) {
    if (bin.count == 0) continue;
    const double left = chart.x(bin.low) + 0.75;
    const double right = chart.x(bin.high) - 0.75;
    // However few, they are there to see.
    const double height = std::max(chart.bottom() - chart.y(static_cast<double>(bin.count)), 1.0);
    bars += "<rect class=\"bar\" x=\"" + pixels(left) + "\" y=\"" +
            pixels(chart.bottom() - height) + "\" width=\"" + pixels(std::max(right - left, 0.8)) +
            "\" height=\"" + pixels(height) + "\">" +
            tooltip(bin_text(bin, logarithmic) + ": " + grouped(static_cast<double>(bin.count)) +
                    " " + unit) +
            "</rect>";
  }
  chart.draw(bars);
  return chart.html();
}

}  // namespace als
