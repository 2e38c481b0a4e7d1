// Sums ratings by item, and damps their means.
#include "core/data/popularity.h"

#include <algorithm>

namespace als {

std::vector<RatingTotals> totals_of(const CompressedRows& by_item) {
  std::vector<RatingTotals> totals(by_item.rows());
  for (std::size_t r = 0; r < totals.size(); ++r)
    for (std::uint64_t e = by_item.offsets[r]; e < by_item.offsets[r + 1]; ++e)
      totals[r].add(by_item.values[e], by_item.weight(e));
  return totals;
}

double damping(const std::vector<RatingTotals>& items) {
  double n = 0;
  double weight = 0;
  double rated = 0;  // items
  double sum = 0;
  double squares = 0;
  double of_means = 0;  // what the items' means explain of the squares
  double weight_squares = 0;
  for (const RatingTotals& item : items) {
    if (item.n == 0) continue;
    n += static_cast<double>(item.n);
    weight += item.weight;
    rated += 1;
    sum += item.sum;
    squares += item.squares;
    of_means += item.sum * item.sum / item.weight;
    weight_squares += item.weight * item.weight;
  }
  if (rated < 2 || n <= rated) return weight;
  const double within = std::max(0.0, (squares - of_means) / (n - rated));
  const double between = (of_means - sum * sum / weight) / (rated - 1);
  const double weight_an_item = (weight - weight_squares / weight) / (rated - 1);
  const double variance = (between - within) / weight_an_item;  // of the items' true means
  return variance > 0 ? std::min(within / variance, weight) : weight;
}

float damped_mean(const RatingTotals& item, double mean, double damping) {
  const double weight = item.weight + damping;
  return static_cast<float>(weight > 0 ? (item.sum + damping * mean) / weight : mean);
}

}  // namespace als
