// A heap of the best scores, the worst of them on top.
#include "core/search/top_k.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

bool better(const ScoredItem& a, const ScoredItem& b) {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

}  // namespace

void TopK::insert(ScoredItem scored) {
  if (std::isnan(scored.score)) return;
  if (heap_.size() == k_) {
    if (k_ == 0 || !better(scored, heap_.front())) return;
    std::pop_heap(heap_.begin(), heap_.end(), better);
    heap_.pop_back();
  }
  heap_.push_back(scored);
  std::push_heap(heap_.begin(), heap_.end(), better);
}

std::vector<ScoredItem> TopK::take() {
  std::sort_heap(heap_.begin(), heap_.end(), better);
  std::vector<ScoredItem> best;
  best.swap(heap_);
  return best;
}

}  // namespace als
