// Ranks blocks of users on all threads, and adds up their metrics one by one.
#include "core/evaluate/ranking_evaluator.h"

#include <algorithm>
#include <utility>

#include "core/linalg/products.h"
#include "core/search/top_k.h"

namespace als {
namespace {

// Multiply-adds of a block of users, the least that a thread takes at a time: some milliseconds.
constexpr std::size_t kBlockOperations = std::size_t{1} << 23;

// Of the ranking of an item for a user beside its product, in multiply-adds.
constexpr std::size_t kItemOperations = 64;

}  // namespace

RankingEvaluator::RankingEvaluator(const BiasedView& items, const float* popularity,
                                   std::vector<std::uint32_t> cutoffs, ThreadTeam& team)
    : items_(items),
      popularity_(popularity),
      cutoffs_(std::move(cutoffs)),
      last_cutoff_(cutoffs_.empty() ? 0 : *std::max_element(cutoffs_.begin(), cutoffs_.end())),
      team_(team),
      workers_(static_cast<std::size_t>(team.threads())),
      sums_(cutoffs_.size()),
      popular_sums_(cutoffs_.size()) {
  const std::size_t n = items.vectors.rows;
  for (std::uint32_t item = 0; item < n; ++item) {
    popular_keys_.push_back(RankCounter::key(item, popularity[item]));
  }
  std::sort(popular_keys_.begin(), popular_keys_.end());
  for (RowWorkspace& worker : workers_) {
    worker.scores.resize(n);
    worker.excluded.resize(n);
    worker.best_ranks.assign(n, UINT32_MAX);
    worker.best_popular_ranks.assign(n, UINT32_MAX);
  }
}

std::size_t RankingEvaluator::memory(std::size_t items, int threads) {
  const std::size_t item = sizeof(float) + 2 * sizeof(std::uint32_t) + 1;
  return (static_cast<std::size_t>(threads) * item + sizeof(std::uint64_t)) * items;
}

/// Leaves in the lists what is ranked.
void RankingEvaluator::prepare(RankedUser& user, RowWorkspace& worker) const {
  const auto is_excluded = [&](std::uint32_t item) { return worker.excluded[item]; };
  const auto remove = [&](std::vector<std::uint32_t>& list, const auto& condition) {
    list.erase(std::remove_if(list.begin(), list.end(), condition), list.end());
  };
  // Each once, so that each is counted once.
  remove(user.excluded, [&](std::uint32_t item) {
    if (worker.excluded[item]) return true;
    worker.excluded[item] = true;
    return false;
  });
  remove(user.relevant, is_excluded);
  if (user.all_items) return;

  // The relevant items are candidates.
  for (const std::uint32_t item : user.relevant) worker.excluded[item] = true;
  remove(user.candidates, is_excluded);
  for (const std::uint32_t item : user.relevant) worker.excluded[item] = false;
  user.candidates.insert(user.candidates.end(), user.relevant.begin(), user.relevant.end());
}

void RankingEvaluator::score(RowWorkspace& worker) const {
  const RankedUser& user = worker.user;
  if (user.all_items) {
    score_all(items_.vectors, items_.bias, user.base, user.vector, worker.scores.data());
    return;
  }
  for (const std::uint32_t item : user.candidates) {
    const float base = items_.bias == nullptr ? user.base : user.base + items_.bias[item];
    worker.scores[item] = base + dot(user.vector, items_.row(item), items_.vectors.cols);
  }
}

RankingMetrics RankingEvaluator::evaluate(RowWorkspace& worker, const float* scores,
                                          BestRanks& best_ranks) const {
  const RankedUser& user = worker.user;
  TopK top(last_cutoff_);
  worker.counter.start(user.relevant, scores);
  if (user.all_items) {
    for (std::uint32_t item = 0; item < items_.vectors.rows; ++item) {
      worker.counter.add(item, scores[item]);
      if (!(scores[item] < top.least()) && !worker.excluded[item]) top.offer(item, scores[item]);
    }
    for (const std::uint32_t item : user.excluded) worker.counter.remove(item, scores[item]);
  } else {
    for (const std::uint32_t item : user.candidates) {
      worker.counter.add(item, scores[item]);
      top.offer(item, scores[item]);
    }
  }
  std::uint32_t rank = 0;
  for (const ScoredItem& best : top.take()) {
    best_ranks[best.item] = std::min(best_ranks[best.item], ++rank);
  }
  return RankingMetrics(worker.counter.ranks(), cutoffs_);
}

/// The same for the most popular items, whose order is known.
RankingMetrics RankingEvaluator::evaluate_popular(RowWorkspace& worker) const {
  const RankedUser& user = worker.user;
  BestRanks& best_ranks = worker.best_popular_ranks;
  if (!user.all_items) return evaluate(worker, popularity_, best_ranks);
  worker.counter.start(user.relevant, popularity_);
  worker.counter.add_sorted(popular_keys_);
  for (const std::uint32_t item : user.excluded) worker.counter.remove(item, popularity_[item]);
  std::uint32_t rank = 0;
  for (std::size_t i = popular_keys_.size(); i-- > 0 && rank < last_cutoff_;) {
    const std::uint32_t item = RankCounter::item_of(popular_keys_[i]);
    if (!worker.excluded[item]) best_ranks[item] = std::min(best_ranks[item], ++rank);
  }
  return RankingMetrics(worker.counter.ranks(), cutoffs_);
}

void RankingEvaluator::add(std::size_t n, const Describe& describe, const OnUser& on_user) {
  const std::size_t operations = items_.vectors.rows * (items_.vectors.cols + kItemOperations);
  const std::size_t grain =
      std::clamp<std::size_t>(kBlockOperations / std::max<std::size_t>(operations, 1), 1, 64);
  // Users are added up one by one: blocks of them would depend on which users come in one call.
  std::vector<std::pair<RankingMetrics, RankingMetrics>> of_users(
      n, {RankingMetrics(cutoffs_.size()), RankingMetrics(cutoffs_.size())});
  team_.for_each_block(n, grain, [&](std::size_t begin, std::size_t end, int thread) {
    RowWorkspace& worker = workers_[static_cast<std::size_t>(thread)];
    RankedUser& user = worker.user;
    for (std::size_t u = begin; u < end; ++u) {
      user.relevant.clear();
      user.excluded.clear();
      user.candidates.clear();
      user.all_items = true;
      describe(u, user);
      prepare(user, worker);
      if (!user.relevant.empty()) {
        score(worker);
        auto& [model, popular] = of_users[u];
        model = evaluate(worker, worker.scores.data(), worker.best_ranks);
        popular = evaluate_popular(worker);
        if (on_user) on_user(u, model, popular);
      }
      for (const std::uint32_t item : user.excluded) worker.excluded[item] = false;
    }
  });
  for (const auto& [model, popular] : of_users) {
    sums_.add(model);
    popular_sums_.add(popular);
  }
}

RankingMetrics RankingEvaluator::mean(const RankingMetrics& sums,
                                      BestRanks RowWorkspace::*best_ranks) const {
  RankingMetrics mean = sums.mean();
  const std::size_t items = items_.vectors.rows;
  std::vector<std::size_t> covered(cutoffs_.size());
  for (std::size_t item = 0; item < items; ++item) {
    std::uint32_t best = UINT32_MAX;
    for (const RowWorkspace& worker : workers_) best = std::min(best, (worker.*best_ranks)[item]);
    for (std::size_t c = 0; c < cutoffs_.size(); ++c) covered[c] += best <= cutoffs_[c] ? 1 : 0;
  }
  for (std::size_t c = 0; c < cutoffs_.size(); ++c) {
    mean.at[c].catalog_coverage =
        static_cast<double>(covered[c]) / static_cast<double>(std::max<std::size_t>(items, 1));
  }
  return mean;
}

}  // namespace als
