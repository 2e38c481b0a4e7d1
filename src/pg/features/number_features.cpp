// The spread of a column, and knots at its quantiles.
#include "pg/features/number_features.h"

#include <algorithm>
#include <cmath>

namespace als::pg {

namespace {

// Further from the mean, in deviations, no value counts: one that is wrong, or of another kind than
// those that the training has seen, would make more of an item than any other feature does.
constexpr double kFurthest = 10;

// Values that differ by less than this part of the largest are the same but for rounding.
constexpr double kSame = 1e-12;

/// Mean and standard deviation.
struct Spread {
  double center;
  double scale;  ///< 0 of values that are the same
};

/// In units of a power of two, so that squares stay in range.
Spread spread_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  int exponent;
  std::frexp(largest, &exponent);
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += std::ldexp(value, -exponent) / n;
  double variance = 0;
  for (const double value : values) {
    const double difference = std::ldexp(value, -exponent) - mean;
    variance += difference * difference / n;
  }
  const double deviation = std::sqrt(variance);
  if (!(deviation > kSame)) return {values.front(), 0};
  return {std::ldexp(mean, exponent), std::ldexp(deviation, exponent)};
}

}  // namespace

void add_number(const FeatureColumn& source, const std::vector<double>& values,
                std::vector<Feature>& features) {
  const Spread spread = spread_of(values);
  const auto n = static_cast<std::int64_t>(values.size());
  features.push_back({FeatureRole::kNumber, source.name, "", n, spread.center,
                      spread.scale > 0 ? spread.scale : 1});
  if (spread.scale == 0) return;
  const std::vector<double> knots = knots_of(values);
  if (knots.empty()) return;
  std::vector<std::int64_t> rows(knots.size());
  for (const double value : values) {
    const Hats hats = hats_at(knots, value);
    ++rows[hats.first];
    if (hats.of_next > 0) ++rows[hats.first + 1];
  }
  for (std::size_t k = 0; k < knots.size(); ++k)
    features.push_back(
        {FeatureRole::kKnot, source.name, number_text(source, knots[k]), rows[k], knots[k]});
}

float scaled(double value, const Feature& feature) {
  return static_cast<float>(
      std::clamp((value - feature.center) / feature.scale, -kFurthest, kFurthest));
}

}  // namespace als::pg
