// Counts, for each item asked for, the scores that come before its own.
#include "core/evaluate/rank_counter.h"

#include <algorithm>
#include <utility>

namespace als {

void RankCounter::start(const std::vector<ScoredItem>& relevant) {
  keys_.clear();
  for (const ScoredItem& scored : relevant) keys_.push_back(key(scored.item, scored.score));
  start_with_keys();
}

void RankCounter::start_behind_ties(const std::vector<ScoredItem>& relevant) {
  // As an item with the greatest of all indexes.
  keys_.clear();
  for (const ScoredItem& scored : relevant) keys_.push_back(key(UINT32_MAX, scored.score));
  start_with_keys();
  // As candidates they come with their own index, which is taken back here.
  for (const ScoredItem& scored : relevant) {
    count(key(UINT32_MAX, scored.score), 1);
    count(key(scored.item, scored.score), -1);
  }
}

void RankCounter::start_with_keys() {
  const std::size_t n = keys_.size();
  std::sort(keys_.begin(), keys_.end());
  ties_.resize(n);
  ties_end_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool tied = i > 0 && same_score(keys_[i], keys_[i - 1]);
    ties_[i] = tied ? ties_[i - 1] : static_cast<std::uint32_t>(i);
  }
  for (std::size_t i = n; i-- > 0;) {
    const bool tied = i + 1 < n && same_score(keys_[i], keys_[i + 1]);
    ties_end_[i] = tied ? ties_end_[i + 1] : static_cast<std::uint32_t>(i + 1);
  }
  stand_before_.assign(n + 1, 0);
  candidates_ = 0;
  tie_balance_ = 0;
}

void RankCounter::add_sorted(const std::vector<std::uint64_t>& keys) {
  const std::size_t n = keys_.size();
  const auto up_to = [&](std::uint64_t key) {
    return std::upper_bound(keys.begin(), keys.end(), key) - keys.begin();
  };
  candidates_ += static_cast<std::int64_t>(keys.size());
  std::int64_t counted = 0;
  for (std::size_t p = 0; p <= n; ++p) {
    const std::int64_t end = p < n ? up_to(keys_[p]) : static_cast<std::int64_t>(keys.size());
    stand_before_[p] += end - std::exchange(counted, end);
  }
  // The same within each score of relevant items, see count().
  for (std::size_t first = 0; first < n; first = ties_end_[first]) {
    const std::size_t last = ties_end_[first];
    const std::uint64_t least = keys_[first] >> kScoreShift << kScoreShift;
    counted = std::lower_bound(keys.begin(), keys.end(), least) - keys.begin();
    for (std::size_t p = first; p <= last; ++p) {
      const std::int64_t end = up_to(p < last ? keys_[p] : least | UINT32_MAX);
      const auto same = static_cast<std::int64_t>(last - first);
      tie_balance_ +=
          (end - std::exchange(counted, end)) * (same - 2 * static_cast<std::int64_t>(last - p));
    }
  }
}

void RankCounter::add_counted(const std::vector<std::uint32_t>& above, std::size_t count) {
  candidates_ += static_cast<std::int64_t>(count);
  auto better = static_cast<std::int64_t>(count);
  for (std::size_t p = 0; p < keys_.size(); ++p) {
    const std::int64_t more = better;
    better = above[p];
    stand_before_[p] += more - better;
  }
  stand_before_.back() += better;
}

RelevantRanks RankCounter::ranks() const {
  const std::size_t n = keys_.size();
  RelevantRanks result;
  result.candidates = static_cast<std::size_t>(candidates_);
  std::int64_t better = 0;
  std::int64_t pairs = 0;  // in which a relevant item stands before one that is not
  for (std::size_t i = n; i-- > 0;) {
    better += stand_before_[i + 1];
    result.ranks.push_back(static_cast<std::uint32_t>(better + 1));
    pairs += candidates_ - (better + 1) - static_cast<std::int64_t>(i);
  }
  // The relevant items are candidates too. A group of T of them with one score has added, at
  // b = T, ..., 1, the sum of T - 2 b, which is -T.
  const std::int64_t halves = 2 * pairs + tie_balance_ + static_cast<std::int64_t>(n);
  if (result.has_auc()) {
    const double all = static_cast<double>(n) * static_cast<double>(result.candidates - n);
    result.auc = static_cast<double>(halves) / (2 * all);
  }
  return result;
}

}  // namespace als
