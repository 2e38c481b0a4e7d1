// The ranks of a few items among many, without sorting the many.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/evaluate/ranking_metrics.h"
#include "core/search/top_k.h"

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
  static std::uint32_t item_of(std::uint64_t key) {
    return UINT32_MAX - static_cast<std::uint32_t>(key);
  }

  /// Begins anew with these relevant items, each once.
  void start(const std::vector<ScoredItem>& relevant);

  /// The same, but a relevant item stands behind all others with its score, and those of one score
  /// share their rank. The AUC means nothing then.
  void start_behind_ties(const std::vector<ScoredItem>& relevant);

  /// Counts a candidate. Every relevant item must be counted too.
  void add(std::uint32_t item, float score) { count(key(item, score), 1); }

  /// Counts many at once, given their keys in ascending order: R log n steps.
  void add_sorted(const std::vector<std::uint64_t>& keys);

  /// Counts `count` candidates with other scores than all relevant items. above[p]: how many of
  /// them have a better one than the relevant item with the p-th key from below.
  void add_counted(const std::vector<std::uint32_t>& above, std::size_t count);

  /// Takes back one that has been counted.
  void remove(std::uint32_t item, float score) { count(key(item, score), -1); }

  RelevantRanks ranks() const;

 private:
  static constexpr int kScoreShift = 32;

  static bool same_score(std::uint64_t a, std::uint64_t b) {
    return (a >> kScoreShift) == (b >> kScoreShift);
  }
  void start_with_keys();
  void count(std::uint64_t key, std::int64_t sign);

  std::vector<std::uint64_t> keys_;         // of the relevant items, ascending: the worst first
  std::vector<std::uint32_t> ties_;         // for each, the first with the same score
  std::vector<std::uint32_t> ties_end_;     // and the first behind it with another
  std::vector<std::int64_t> stand_before_;  // [p]: candidates that exactly p of them are worse than
  std::int64_t candidates_ = 0;
  std::int64_t tie_balance_ = 0;  // see count()
};

inline std::uint64_t RankCounter::key(std::uint32_t item, float score) {
  // The bits of a positive number ascend with it, those of a negative one descend. Zero has two
  // representations, of which the sum with zero leaves one.
  constexpr std::uint32_t kSign = std::uint32_t{1} << 31;
  const float canonical = score + 0.0F;
  std::uint32_t bits;
  std::memcpy(&bits, &canonical, sizeof(bits));
  bits = (bits & kSign) != 0 ? ~bits : bits | kSign;
  if (std::isnan(score)) bits = 0;
  return std::uint64_t{bits} << kScoreShift | (UINT32_MAX - item);
}

/// AUC counts a pair of equal scores half, where the order by index counts it all or not at all. Of
/// T relevant items with the score of a candidate, b stand before it: in the order they count b, by
/// rights T / 2. The balance is the sum of T - 2 b.
inline void RankCounter::count(std::uint64_t key, std::int64_t sign) {
  // Without a branch that depends on the keys: the processor would guess half of them wrong.
  const std::uint64_t* first = keys_.data();
  for (std::size_t n = keys_.size(); n > 0;) {
    const std::size_t half = (n + 1) / 2;
    first += half & -static_cast<std::size_t>(first[half - 1] < key);
    n -= half;
  }
  const auto p = static_cast<std::size_t>(first - keys_.data());
  stand_before_[p] += sign;
  candidates_ += sign;
  std::size_t tied = p;
  if (p == keys_.size() || !same_score(keys_[p], key)) {
    if (p == 0 || !same_score(keys_[p - 1], key)) return;
    tied = p - 1;
  }
  const std::int64_t same = ties_end_[tied] - ties_[tied];
  const auto before = static_cast<std::int64_t>(ties_end_[tied] - p);
  tie_balance_ += sign * (same - 2 * before);
}

}  // namespace als
