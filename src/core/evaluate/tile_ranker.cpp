// Counts most items by their scores in the tiles, and scores exactly what is near a relevant one.
#include "core/evaluate/tile_ranker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/search/search_layout.h"

namespace als {
namespace {

// Tiles scored at a time. Few at first, when each raises the scores that count as good.
constexpr std::size_t kMostTiles = 16;

// A vector of the widest registers, which the kernels write behind what they keep.
constexpr std::size_t kBehindKept = 16;

}  // namespace

std::size_t TileRanker::memory() {
  return kMostTiles * kTileItems * ((kMostUsers + 1) * sizeof(float) + 2 * sizeof(std::uint32_t));
}

void TileRanker::rank_exactly(const std::vector<std::uint32_t>& items,
                              const ListToRank& list) const {
  for (const std::uint32_t item : items) {
    if (contains(*list.excluded, item)) continue;
    const float score = tiles_.score(list.vector, list.base, item);
    list.counter->add(item, score);
    if (list.top != nullptr && !(score < list.top->least())) list.top->offer(item, score);
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
  if (!is_finite) {
    rank_exactly(tiles_.order(), list);
    return;
  }
  Ranking ranking{&list, {}, std::vector<std::uint32_t>(relevant.size(), 0), {}};
  for (const ScoredItem& scored : relevant) ranking.relevant.push_back(scored.score);
  std::sort(ranking.relevant.begin(), ranking.relevant.end());
  for (const std::uint32_t item : *list.excluded) {
    const std::uint32_t place = tiles_.place(item);
    if (place != ScoreTiles::kNoPlace) ranking.excluded.push_back(place);
  }
  std::sort(ranking.excluded.begin(), ranking.excluded.end());
  const float length = trusted_norm(list.vector, factors_);
  if (!relevant.empty() && std::isfinite(length))
    ranking.reach = (ranking.relevant.front() - list.base) / length;
  rankings_.push_back(std::move(ranking));
}

/// Those who have to look at most items come first, so that the others can be left off the end.
void TileRanker::code_queries() {
  std::sort(rankings_.begin(), rankings_.end(),
            [](const Ranking& a, const Ranking& b) { return a.reach < b.reach; });
  queries_.clear();
  std::vector<Ranking> coded;
  for (Ranking& ranking : rankings_) {
    if (queries_.add(ranking.list->vector, ranking.list->base))
      coded.push_back(std::move(ranking));
    else
      rank_exactly(tiles_.order(), *ranking.list);
  }
  rankings_.swap(coded);
}

/// Whether all items from this tile on have less than each score that matters to a user.
bool TileRanker::is_done(std::size_t tile, std::size_t query) const {
  const TileBound& bound = tiles_.bound_from(tile);
  const float error = margin(queries_[query], bound);
  const float most = als::most(queries_[query], bound, error) + error;
  const Ranking& ranking = rankings_[query];
  return (ranking.relevant.empty() || most < ranking.relevant.front()) &&
         (ranking.list->top == nullptr || most < ranking.list->top->least());
}

/// Offers what may be among the best, of items whose scores are `most` at most.
void TileRanker::offer(std::size_t first, const float* scores, std::size_t count, float most,
                       float margin, const ListToRank& list) {
  if (list.top == nullptr || most < list.top->least()) return;
  const ScoreRange range{list.top->least() - margin, std::numeric_limits<float>::infinity()};
  const std::size_t n = find_in_range(scores, count, range, found_.data());
  for (std::size_t f = 0; f < n; ++f) {
    const std::uint32_t item = tiles_.order()[first + found_[f]];
    if (!contains(*list.excluded, item))
      list.top->offer(item, tiles_.score(list.vector, list.base, item));
  }
}

/// Gives what is excluded of the items from `first` on a score that counts nowhere.
void TileRanker::leave_out_excluded(std::size_t first, float* scores, std::size_t count,
                                    Ranking& ranking) const {
  const std::size_t passed = ranking.passed;
  for (; ranking.passed < ranking.excluded.size(); ++ranking.passed) {
    const std::size_t at = ranking.excluded[ranking.passed] - first;
    if (at >= count) break;
    scores[at] = -std::numeric_limits<float>::infinity();
  }
  ranking.counted -= ranking.passed - passed;
}

/// Counts the items of tiles from `first` on, of which so many have these scores, and none more
/// than `most`.
void TileRanker::count(std::size_t first, const float* scores, std::size_t count, float most,
                       float margin, Ranking& ranking) {
  // Those with more than any of these have none of them above.
  const auto n = static_cast<std::size_t>(
      std::upper_bound(ranking.relevant.begin(), ranking.relevant.end(), most + margin) -
      ranking.relevant.begin());
  ranking.counted += count;
  if (n == 0) return;
  ranges_.clear();
  for (std::size_t r = 0; r < n; ++r)
    ranges_.push_back({ranking.relevant[r] - margin, ranking.relevant[r] + margin});
  above_.assign(n, 0);
  not_under_.assign(n, 0);
  // Past the last item, and of what is excluded, there are scores of -infinity, which count
  // nowhere.
  count_scores(scores, (count + kTileItems - 1) / kTileItems * kTileItems, ranges_, kept_.data(),
               above_.data(), not_under_.data());
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
  ranking.counted -= near_.size();
}

void TileRanker::rank(const std::vector<ListToRank>& lists, const std::function<void()>& pause) {
  rankings_.clear();
  for (const ListToRank& list : lists) {
    start(list);
    pause();
  }
  code_queries();
  scores_.resize(rankings_.size() * kMostTiles * kTileItems);
  kept_.resize(kMostTiles * kTileItems + kBehindKept);
  found_.resize(kMostTiles * kTileItems);
  std::size_t left = rankings_.size();
  for (std::size_t begin = 0, end; begin < tiles_.size(); begin = end) {
    const std::size_t first = begin * kTileItems;
    for (; left > 0 && is_done(begin, left - 1); --left) {
      Ranking& done = rankings_[left - 1];
      done.counted += (tiles_.order().size() - first) - (done.excluded.size() - done.passed);
    }
    if (left == 0) break;
    end = std::min(begin + std::clamp<std::size_t>(begin, 1, kMostTiles), tiles_.size());
    tiles_.score(begin, end, queries_.first(left), scores_.data());
    const std::size_t count = std::min(end * kTileItems, tiles_.order().size()) - first;
    const TileBound& bound = tiles_.bound_from(begin);
    float* scores = scores_.data();
    for (std::size_t q = 0; q < left; ++q, scores += (end - begin) * kTileItems) {
      const float error = margin(queries_[q], bound);
      const float most = als::most(queries_[q], bound, error);
      leave_out_excluded(first, scores, count, rankings_[q]);
      this->count(first, scores, count, most, error, rankings_[q]);
      offer(first, scores, count, most, error, *rankings_[q].list);
    }
    pause();
  }
  for (const Ranking& ranking : rankings_)
    ranking.list->counter->add_counted(ranking.above, ranking.counted);
}

}  // namespace als
