// The ranks of a few items among many, without sorting the many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ranking_metrics.h"

namespace als {

/// Finds the ranks of relevant items among candidates in the order in which als.recommend ranks:
/// the higher score first, ties by lower index. A score that is not a number comes last.
///
/// Each candidate is looked up among the relevant items by binary search, which says how many of
/// them it stands before. So n candidates and R relevant items take n log R steps, and memory for
/// the R alone.
class RankCounter {
 public:
  /// An item with its score as one number: the better, the larger.
  static std::uint64_t key(std::uint32_t item, float score);

  /// Begins anew with these relevant items, each once. Their scores are scores[item].
  void start(const std::vector<std::uint32_t>& relevant, const float* scores);

  /// Counts a candidate. Every relevant item must be counted too.
  void add(std::uint32_t item, float score) { count(key(item, score), 1); }

  /// Takes back one that has been counted.
  void remove(std::uint32_t item, float score) { count(key(item, score), -1); }

  RelevantRanks ranks() const;

 private:
  void count(std::uint64_t key, std::int64_t sign);

  std::vector<std::uint64_t> keys_;         // of the relevant items, ascending: the worst first
  std::vector<std::uint32_t> ties_;         // for each, the first with the same score
  std::vector<std::uint32_t> ties_end_;     // and the first behind it with another
  std::vector<std::int64_t> stand_before_;  // [p]: candidates that exactly p of them are worse than
  std::int64_t candidates_ = 0;
  std::int64_t tie_balance_ = 0;  // see count()
};

}  // namespace als
