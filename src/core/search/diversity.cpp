// Chooses greedily, and keeps each item's largest cosine with those chosen.
#include "core/search/diversity.h"

#include <algorithm>
#include <limits>

#include "core/linalg/products.h"

namespace als {
namespace {

// Candidates for each place.
constexpr std::size_t kHead = 10;

}  // namespace

std::size_t Diversity::head(std::size_t k) const {
  return is_asked() ? std::max(k, kHead * std::min(k, kPlaces)) : k;
}

std::vector<ScoredItem> Diversity::choose(const std::vector<ScoredItem>& head, std::size_t k,
                                          const FactorView& items) const {
  const std::size_t n = std::min(k, head.size());
  if (!is_asked() || n == 0) return {head.begin(), head.begin() + static_cast<std::ptrdiff_t>(n)};
  const std::size_t candidates = std::min(head.size(), kHead * kPlaces);
  const double least = head[candidates - 1].score;
  const double range = head.front().score - least;
  std::vector<double> nearest(candidates, -1);  // the largest cosine with a chosen one
  std::vector<bool> is_chosen(head.size());
  std::vector<ScoredItem> list{head.front()};
  is_chosen[0] = true;
  while (list.size() < std::min(n, kPlaces)) {
    std::size_t best = 0;
    double best_worth = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; i < candidates; ++i) {
      if (is_chosen[i]) continue;
      nearest[i] = std::max<double>(
          nearest[i], cosine(items.row(list.back().item), items.row(head[i].item), items.cols));
      const double relevance = range > 0 ? (head[i].score - least) / range : 1;
      const double worth = (1 - share) * relevance - share * nearest[i];
      if (worth > best_worth) {
        best_worth = worth;
        best = i;
      }
    }
    is_chosen[best] = true;
    list.push_back(head[best]);
  }
  for (std::size_t i = 0; list.size() < n; ++i) {
    if (!is_chosen[i]) list.push_back(head[i]);
  }
  return list;
}

}  // namespace als
