#include "core/rank_counter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace als {
namespace {

constexpr int kScoreShift = 32;

bool same_score(std::uint64_t a, std::uint64_t b) {
  return (a >> kScoreShift) == (b >> kScoreShift);
}

}  // namespace

std::uint64_t RankCounter::key(std::uint32_t item, float score) {
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

void RankCounter::start(const std::vector<std::uint32_t>& relevant, const float* scores) {
  const std::size_t n = relevant.size();
  keys_.clear();
  for (const std::uint32_t item : relevant) keys_.push_back(key(item, scores[item]));
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

/// AUC counts a pair of equal scores half, where the order by index counts it all or not at all. Of
/// T relevant items with the score of a candidate, b stand before it: in the order they count b, by
/// rights T / 2. The balance is the sum of T - 2 b.
void RankCounter::count(std::uint64_t key, std::int64_t sign) {
  // Without a branch that hangs on the keys: the processor would guess half of them wrong.
  const std::uint64_t* first = keys_.data();
  for (std::size_t n = keys_.size(); n > 0;) {
    const std::size_t half = (n + 1) / 2;
    first += first[half - 1] < key ? half : 0;
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
