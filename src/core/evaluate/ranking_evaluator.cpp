// Ranks blocks of users on all threads, and adds up their metrics one by one.
#include "core/evaluate/ranking_evaluator.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace als {
namespace {

void sort_once_each(std::vector<std::uint32_t>& list) {
  if (!std::is_sorted(list.begin(), list.end())) std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

/// What is in one of two ascending lists and not in the other.
std::vector<std::uint32_t> difference(const std::vector<std::uint32_t>& list,
                                      const std::vector<std::uint32_t>& other) {
  std::vector<std::uint32_t> result;
  std::set_difference(list.begin(), list.end(), other.begin(), other.end(),
                      std::back_inserter(result));
  return result;
}

/// The best items, in their order.
std::vector<std::uint32_t> items_of(TopK& top) {
  std::vector<std::uint32_t> items;
  for (const ScoredItem& best : top.take()) items.push_back(best.item);
  return items;
}

void keep_best_ranks(const std::vector<std::uint32_t>& list,
                     std::vector<std::uint32_t>& best_ranks) {
  std::uint32_t rank = 0;
  for (const std::uint32_t item : list) best_ranks[item] = std::min(best_ranks[item], ++rank);
}

/// Leaves in the lists what is ranked. All ascend then, and the relevant items are candidates.
void prepare(RankedUser& user) {
  sort_once_each(user.excluded);
  sort_once_each(user.relevant);
  user.relevant = difference(user.relevant, user.excluded);
  if (user.all_items) return;
  user.candidates.insert(user.candidates.end(), user.relevant.begin(), user.relevant.end());
  sort_once_each(user.candidates);
  user.candidates = difference(user.candidates, user.excluded);
}

}  // namespace

RankingEvaluator::RankingEvaluator(const BiasedView& items, const float* popularity,
                                   std::vector<std::uint32_t> cutoffs, ThreadTeam& team)
    : popularity_(popularity),
      cutoffs_(std::move(cutoffs)),
      last_cutoff_(cutoffs_.empty() ? 0 : *std::max_element(cutoffs_.begin(), cutoffs_.end())),
      team_(team),
      tiles_(items, nullptr, team),
      sums_(cutoffs_.size()),
      popular_sums_(cutoffs_.size()) {
  const std::size_t n = items.vectors.rows;
  for (std::uint32_t item = 0; item < n; ++item) {
    popular_keys_.push_back(RankCounter::key(item, popularity[item]));
  }
  std::sort(popular_keys_.begin(), popular_keys_.end());
  for (int thread = 0; thread < team.threads(); ++thread)
    workers_.emplace_back(tiles_, n, items.vectors.cols);
}

std::size_t RankingEvaluator::memory(std::size_t items, std::size_t factors, int threads) {
  const std::size_t worker = 2 * items * sizeof(std::uint32_t) + TileRanker::memory();
  return ScoreTiles::memory(items, factors) + static_cast<std::size_t>(threads) * worker +
         items * sizeof(std::uint64_t);
}

/// Ranks the candidates alone.
template <class ScoreOf>
void RankingEvaluator::rank_candidates(const RankedUser& user, const ScoreOf& score_of,
                                       RankCounter& counter, TopK& top) const {
  std::vector<ScoredItem> relevant;
  for (const std::uint32_t item : user.relevant) relevant.push_back({item, score_of(item)});
  counter.start(relevant);
  for (const std::uint32_t item : user.candidates) {
    const float score = score_of(item);
    counter.add(item, score);
    top.offer(item, score);
  }
}

void RankingEvaluator::rank(std::vector<Listed>& block, TileRanker& ranker, int thread) {
  std::vector<ListToRank> lists;
  for (Listed& listed : block) {
    const RankedUser& user = listed.user;
    if (user.all_items) {
      lists.push_back(
          {user.vector, user.base, &user.relevant, &user.excluded, &listed.counter, &listed.top});
      continue;
    }
    rank_candidates(
        user, [&](std::uint32_t item) { return tiles_.score(user.vector, user.base, item); },
        listed.counter, listed.top);
  }
  ranker.rank(lists, [&] { team_.leave_if_asked(thread); });
}

/// Ranks by popularity, whose order is known.
RankingMetrics RankingEvaluator::rank_popular(const RankedUser& user,
                                              std::vector<std::uint32_t>& best) const {
  RankCounter counter;
  const auto score_of = [&](std::uint32_t item) { return popularity_[item]; };
  if (!user.all_items) {
    TopK top(last_cutoff_);
    rank_candidates(user, score_of, counter, top);
    best = items_of(top);
    return RankingMetrics(counter.ranks(), cutoffs_);
  }
  std::vector<ScoredItem> relevant;
  for (const std::uint32_t item : user.relevant) relevant.push_back({item, score_of(item)});
  counter.start(relevant);
  counter.add_sorted(popular_keys_);
  for (const std::uint32_t item : user.excluded) counter.remove(item, score_of(item));
  for (std::size_t i = popular_keys_.size(); i-- > 0 && best.size() < last_cutoff_;) {
    const std::uint32_t item = RankCounter::item_of(popular_keys_[i]);
    if (!contains(user.excluded, item)) best.push_back(item);
  }
  return RankingMetrics(counter.ranks(), cutoffs_);
}

RankedResult RankingEvaluator::result(Listed& listed) const {
  std::vector<std::uint32_t> most_popular;
  RankingMetrics popular = rank_popular(listed.user, most_popular);
  return {RankingMetrics(listed.counter.ranks(), cutoffs_), std::move(popular),
          items_of(listed.top), std::move(most_popular)};
}

void RankingEvaluator::add(std::size_t n, const Describe& describe, const OnUser& on_user) {
  const std::size_t grain = TileRanker::block_users(n, workers_.size());
  // Users are added up one by one: blocks of them would depend on which users come in one call.
  std::vector<std::pair<RankingMetrics, RankingMetrics>> of_users(
      n, {RankingMetrics(cutoffs_.size()), RankingMetrics(cutoffs_.size())});
  team_.for_each_block(n, grain, [&](std::size_t begin, std::size_t end, int thread) {
    RankingWorkspace& worker = workers_[static_cast<std::size_t>(thread)];
    worker.block.clear();
    for (std::size_t u = begin; u < end; ++u) {
      Listed listed(u, last_cutoff_);
      describe(u, listed.user);
      prepare(listed.user);
      if (!listed.user.relevant.empty()) worker.block.push_back(std::move(listed));
    }
    rank(worker.block, worker.ranker, thread);
    for (Listed& listed : worker.block) {
      auto& [model, popular] = of_users[listed.number];
      const RankedResult ranked = result(listed);
      keep_best_ranks(ranked.best, worker.best_ranks);
      keep_best_ranks(ranked.most_popular, worker.best_popular_ranks);
      model = ranked.model;
      popular = ranked.popular;
      if (on_user) on_user(listed.number, ranked);
    }
  });
  for (const auto& [model, popular] : of_users) {
    sums_.add(model);
    popular_sums_.add(popular);
  }
}

RankingMetrics RankingEvaluator::mean(const RankingMetrics& sums,
                                      BestRanks RankingWorkspace::*best_ranks) const {
  RankingMetrics mean = sums.mean();
  const std::size_t items = popular_keys_.size();
  std::vector<std::size_t> covered(cutoffs_.size());
  for (std::size_t item = 0; item < items; ++item) {
    std::uint32_t best = UINT32_MAX;
    for (const RankingWorkspace& worker : workers_)
      best = std::min(best, (worker.*best_ranks)[item]);
    for (std::size_t c = 0; c < cutoffs_.size(); ++c) covered[c] += best <= cutoffs_[c] ? 1 : 0;
  }
  for (std::size_t c = 0; c < cutoffs_.size(); ++c) {
    mean.at[c].catalog_coverage =
        static_cast<double>(covered[c]) / static_cast<double>(std::max<std::size_t>(items, 1));
  }
  return mean;
}

}  // namespace als
