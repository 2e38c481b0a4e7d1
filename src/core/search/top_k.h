// The best k of a stream of scored items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace als {

struct ScoredItem {
  std::uint32_t item;
  float score;
};

/// Keeps the best k of a stream of scored items: higher score first, ties by lower index. A score
/// that is not a number is never kept.
class TopK {
 public:
  explicit TopK(std::size_t k) : k_(k) { heap_.reserve(std::min(k, kReserved)); }

  void offer(std::uint32_t item, float score) {
    if (heap_.size() == k_ && (k_ == 0 || score < heap_.front().score)) return;  // most items
    insert({item, score});
  }

  /// A score below this one would not be kept.
  float least() const {
    return heap_.size() == k_ && k_ > 0 ? heap_.front().score
                                        : -std::numeric_limits<float>::infinity();
  }

  /// The items kept, best first. Empties the collector.
  std::vector<ScoredItem> take();

 private:
  static constexpr std::size_t kReserved = 128;  // more than most callers ask for

  void insert(ScoredItem scored);

  std::size_t k_;
  std::vector<ScoredItem> heap_;  // worst kept item on top
};

}  // namespace als
