#include "core/scoring.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/kernels.h"
#include "core/options.h"

namespace als {
namespace {

bool better(const ScoredItem& a, const ScoredItem& b) {
  return a.score > b.score || (a.score == b.score && a.item < b.item);
}

}  // namespace

float dot(const float* a, const float* b, std::size_t n) { return kernels().dot(a, b, n); }

void score_all(const FactorView& items, const float* bias, float base, const float* user,
               float* scores) {
  if (items.cols > kMaxFactors) throw std::length_error("too many factors");
  kernels().multiply(items.data, items.rows, items.stride, user, items.cols, scores);
  if (bias != nullptr) {
    for (std::size_t i = 0; i < items.rows; ++i) scores[i] = (base + bias[i]) + scores[i];
  } else {
    for (std::size_t i = 0; i < items.rows; ++i) scores[i] = base + scores[i];
  }
}

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
