// Histograms before they are drawn.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace als {

/// Values from `low` up to, not including, `high`.
struct Bin {
  double low;
  double high;
  std::int64_t count;
};

/// Bins of one round width over the bulk of the values; the first and the last take the few beyond.
/// Values that are not finite are left out.
std::vector<Bin> linear_bins(std::vector<float> values);

/// Counts whole numbers, above zero, in bins about equally wide on a logarithmic scale: 1, 2, 3, 4
/// to 5, 6 to 9, ... five to a power of ten.
class LogBins {
 public:
  void add(std::int64_t value);

  /// Numbers that have no logarithm.
  std::int64_t zeros() const { return zeros_; }
  std::int64_t total() const { return total_; }
  double mean() const { return total_ > 0 ? sum_ / static_cast<double>(total_) : 0; }

  /// From the first to the last bin that is not empty.
  std::vector<Bin> bins() const;

 private:
  static constexpr int kBins = 50;  // up to 1e10
  std::array<std::int64_t, kBins> counts_{};
  std::int64_t zeros_ = 0;
  std::int64_t total_ = 0;
  double sum_ = 0;
};

}  // namespace als
