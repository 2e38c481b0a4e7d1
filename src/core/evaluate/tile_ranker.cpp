// Counts most items by their scores in the tiles, and scores exactly what is near a relevant one.
#include "core/evaluate/tile_ranker.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace als {
namespace {

// Tiles scored at a time. Few at first, when each raises the scores that count as good.
constexpr std::size_t kMostTiles = 16;

}  // namespace

std::size_t TileRanker::memory() {
  return kMostTiles * kTileItems * (kMostUsers * sizeof(float) + 2 * sizeof(std::uint32_t));
}

void TileRanker::rank_exactly(const std::vector<std::uint32_t>& items,
                              const ListToRank& list) const {
  for (const std::uint32_t item : items) {
    const float score = tiles_.score(list.vector, list.base, item);
    list.counter->add(item, score);
    if (list.top != nullptr && !(score < list.top->least()) && !contains(*list.excluded, item))
      list.top->offer(item, score);
  }
}

void TileRanker::start(const ListToRank& list) {
  std::vector<ScoredItem> relevant;
  bool is_finite = true;
  for (const std::uint32_t item : *list.relevant) {
    relevant.push_back({item, tiles_.score(list.vector, list.base, item)});
    is_finite &= std::isfinite(relevant.back().score);
  }
  if (list.behind_ties)
    list.counter->start_behind_ties(relevant);
  else
    list.counter->start(relevant);
  rank_exactly(tiles_.untrusted(), list);
  if (!is_finite || !queries_.add(list.vector, list.base)) {
    rank_exactly(tiles_.order(), list);
    return;
  }
  Ranking ranking{&list, {}, std::vector<std::uint32_t>(relevant.size(), 0), 0};
  for (const ScoredItem& scored : relevant) ranking.relevant.push_back(scored.score);
  std::sort(ranking.relevant.begin(), ranking.relevant.end());
  rankings_.push_back(std::move(ranking));
}

/// Offers what may be among the best.
void TileRanker::offer(std::size_t first, const float* scores, std::size_t count, float margin,
                       const ListToRank& list) {
  const ScoreRange range{list.top->least() - margin, std::numeric_limits<float>::infinity()};
  const std::size_t n = find_in_range(scores, count, range, found_.data());
  for (std::size_t f = 0; f < n; ++f) {
    const std::uint32_t item = tiles_.order()[first + found_[f]];
    if (!contains(*list.excluded, item))
      list.top->offer(item, tiles_.score(list.vector, list.base, item));
  }
}

/// Counts the items of tiles from `first` on, of which so many have these scores.
void TileRanker::count(std::size_t first, const float* scores, std::size_t count, float margin,
                       Ranking& ranking) {
  const std::size_t n = ranking.relevant.size();
  ranges_.clear();
  for (const float score : ranking.relevant) ranges_.push_back({score - margin, score + margin});
  above_.assign(n, 0);
  not_under_.assign(n, 0);
  // Past the last item there are scores of -infinity, which count nowhere.
  count_scores(scores, (count + kTileItems - 1) / kTileItems * kTileItems, ranges_, above_.data(),
               not_under_.data());
  near_.clear();
  for (std::size_t r = 0; r < n; ++r) {
    if (above_[r] == not_under_[r]) continue;
    const std::size_t found = find_in_range(scores, count, ranges_[r], found_.data());
    near_.insert(near_.end(), found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(found));
  }
  std::sort(near_.begin(), near_.end());
  near_.erase(std::unique(near_.begin(), near_.end()), near_.end());
  for (const std::uint32_t at : near_) tiles_.fetch(tiles_.order()[first + at]);
  for (const std::uint32_t at : near_) {
    const std::uint32_t item = tiles_.order()[first + at];
    ranking.list->counter->add(item, tiles_.score(ranking.list->vector, ranking.list->base, item));
    for (std::size_t r = 0; r < n && scores[at] > ranges_[r].high; ++r) --above_[r];
  }
  for (std::size_t r = 0; r < n; ++r) ranking.above[r] += above_[r];
  ranking.counted += count - near_.size();
}

void TileRanker::rank(const std::vector<ListToRank>& lists, const std::function<void()>& pause) {
  queries_.clear();
  rankings_.clear();
  for (const ListToRank& list : lists) {
    start(list);
    pause();
  }
  scores_.resize(lists.size() * kMostTiles * kTileItems);
  found_.resize(kMostTiles * kTileItems);
  for (std::size_t begin = 0, end; begin < tiles_.size() && !rankings_.empty(); begin = end) {
    end = std::min(begin + std::clamp<std::size_t>(begin, 1, kMostTiles), tiles_.size());
    tiles_.score(begin, end, queries_, scores_.data());
    const std::size_t first = begin * kTileItems;
    const std::size_t count = std::min(end * kTileItems, tiles_.order().size()) - first;
    const float* scores = scores_.data();
    for (std::size_t q = 0; q < rankings_.size(); ++q, scores += (end - begin) * kTileItems) {
      const float margin = tiles_.largest_margin(begin, end, queries_[q]);
      this->count(first, scores, count, margin, rankings_[q]);
      if (rankings_[q].list->top != nullptr)
        offer(first, scores, count, margin, *rankings_[q].list);
    }
    pause();
  }
  for (const Ranking& ranking : rankings_)
    ranking.list->counter->add_counted(ranking.above, ranking.counted);
  for (const ListToRank& list : lists) {
    for (const std::uint32_t item : *list.excluded)
      list.counter->remove(item, tiles_.score(list.vector, list.base, item));
  }
}

}  // namespace als
