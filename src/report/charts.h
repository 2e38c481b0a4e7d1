// The charts of a report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/bins.h"
#include "report/chart.h"

namespace als {

/// A value after each iteration. The best of them is marked where `best_is_high` or its opposite
/// says which it is.
enum class Best { kNone, kHigh, kLow };
std::string iteration_chart(const std::string& id, Chart::Texts texts,
                            const std::vector<double>& values, Best best);

/// Bars from the bins' edges; on a logarithmic axis for the bins of LogBins. `unit` names what is
/// counted.
std::string histogram(const std::string& id, Chart::Texts texts, const std::vector<Bin>& bins,
                      bool logarithmic, const std::string& unit);

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
