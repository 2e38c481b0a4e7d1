// The charts of a report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/bins.h"
#include "report/chart.h"

namespace als {

/// Which of a curve's values is the best: that one is marked, or else the last.
enum class Best { kNone, kHigh, kLow };

/// A value after each iteration.
std::string iteration_chart(const std::string& id, Chart::Texts texts,
                            const std::vector<double>& values, Best best);

/// Bars from the bins' edges; on a logarithmic axis for the bins of LogBins. `unit` names what is
/// counted.
std::string histogram(const std::string& id, Chart::Texts texts, const std::vector<Bin>& bins,
                      bool logarithmic, const std::string& unit, int width);

/// The widths of charts: two stand side by side, or one alone.
inline constexpr int kHalfWidth = 520;
inline constexpr int kFullWidth = 1080;

/// An item on the map.
struct MapPoint {
  std::string title;
  double x;
  double y;
  std::int64_t ratings;
};

/// Points sized by their ratings, and the titles of those first in the list that have room for
/// them.
std::string item_map(const std::string& id, Chart::Texts texts,
                     const std::vector<MapPoint>& points);

}  // namespace als
