// Bins of equal width between the outliers, and bins of equal width in the logarithm.
#include "report/bins.h"

#include <algorithm>
#include <cmath>

#include "report/axis.h"

namespace als {

namespace {

double log_edge(int i) { return std::round(std::pow(10, i / 5.0)); }

}  // namespace

std::vector<Bin> linear_bins(std::vector<float> values) {
  values.erase(
      std::remove_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); }),
      values.end());
  if (values.empty()) return {};
  constexpr double kBeyond = 0.001;
  constexpr int kAboutBins = 40;
  std::sort(values.begin(), values.end());
  const auto beyond = static_cast<std::size_t>(kBeyond * static_cast<double>(values.size()));
  const Axis edges = Axis::linear(values[beyond], values[values.size() - 1 - beyond], kAboutBins);
  std::vector<Bin> bins;
  for (std::size_t i = 0; i + 1 < edges.ticks().size(); ++i)
    bins.push_back({edges.ticks()[i], edges.ticks()[i + 1], 0});
  const double width = (edges.high() - edges.low()) / static_cast<double>(bins.size());
  for (float value : values) {
    const double place = std::floor((value - edges.low()) / width);
    const auto last = static_cast<double>(bins.size() - 1);
    ++bins[static_cast<std::size_t>(std::clamp(place, 0.0, last))].count;
  }
  return bins;
}

void LogBins::add(std::int64_t value) {
  ++total_;
  if (value < 1) {
    ++zeros_;
    return;
  }
  const auto number = static_cast<double>(value);
  sum_ += number;
  // Rounding moves an edge by less than one bin.
  int i = std::clamp(static_cast<int>(5 * std::log10(number)) + 1, 0, kBins - 1);
  while (i > 0 && log_edge(i) > number) --i;
  ++counts_[static_cast<std::size_t>(i)];
}

std::vector<Bin> LogBins::bins() const {
  std::vector<Bin> bins;
  bins.reserve(kBins);
  for (int i = 0; i < kBins; ++i)
    bins.push_back({log_edge(i), log_edge(i + 1), counts_[static_cast<std::size_t>(i)]});
  const auto filled = [](const Bin& bin) { return bin.count > 0; };
  const auto first = std::find_if(bins.begin(), bins.end(), filled);
  const auto last = std::find_if(bins.rbegin(), bins.rend(), filled).base();
  return first < last ? std::vector<Bin>(first, last) : std::vector<Bin>{};
}

}  // namespace als
