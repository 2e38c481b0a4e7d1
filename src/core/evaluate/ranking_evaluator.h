// How well a model ranks what users turned out to like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/evaluate/rank_counter.h"
#include "core/evaluate/ranking_metrics.h"
#include "core/evaluate/tile_ranker.h"
#include "core/linalg/factor_matrix.h"
#include "core/search/score_tiles.h"

namespace als {

/// A user whose list is to be evaluated. Lists of items are in any order, each item once but in
/// `excluded`.
struct RankedUser {
  const float* vector = nullptr;
  float base = 0;  ///< s_ui = (base + b_i) + vector . y_i
  std::vector<std::uint32_t> relevant;
  std::vector<std::uint32_t> excluded;    ///< never ranked, not even where they are relevant
  std::vector<std::uint32_t> candidates;  ///< what is ranked beside the relevant items
  bool all_items = true;                  ///< instead of the candidates
};

/// What came of a user with relevant items.
struct RankedResult {
  RankingMetrics model;
  RankingMetrics popular;           ///< of the most popular items
  std::vector<std::uint32_t> best;  ///< the user's list, and theirs, up to the last cutoff
  std::vector<std::uint32_t> most_popular;
};

/// Ranks items for users as als.recommend would, and takes the mean of what the ranks of the
/// relevant ones amount to. Beside it the same for the most popular items, ties by lower index.
/// Users without a relevant item are not evaluated.
///
/// The bits depend on the users and their order, not on the number of threads, nor on how many are
/// added at a time.
class RankingEvaluator {
 public:
  /// `popularity`: of each item. `cutoffs`: each at least 1. Items, popularity and team must
  /// outlive this.
  RankingEvaluator(const BiasedView& items, const float* popularity,
                   std::vector<std::uint32_t> cutoffs, ThreadTeam& team);

  /// Fills in user n; called from any thread. The user comes empty, and all_items set.
  using Describe = std::function<void(std::size_t n, RankedUser& user)>;

  /// Is told what came of user n, if the user was evaluated; called from any thread.
  using OnUser = std::function<void(std::size_t n, const RankedResult& result)>;

  /// Evaluates n more users.
  void add(std::size_t n, const Describe& describe, const OnUser& on_user = {});

  RankingMetrics model() const { return mean(sums_, &RankingWorkspace::best_ranks); }
  RankingMetrics popular() const {
    return mean(popular_sums_, &RankingWorkspace::best_popular_ranks);
  }

  /// The bytes that this takes, beside the lists of some users for each thread.
  static std::size_t memory(std::size_t items, std::size_t factors, int threads);

 private:
  /// The best rank that each item has had in a user's list, up to the last cutoff: enough for the
  /// coverage at every cutoff.
  using BestRanks = std::vector<std::uint32_t>;

  /// A user of a block.
  struct Listed {
    Listed(std::size_t number, std::size_t best) : number(number), top(best) {}

    std::size_t number;
    RankedUser user;
    RankCounter counter;
    TopK top;
  };

  struct RankingWorkspace {
    explicit RankingWorkspace(const ScoreTiles& tiles, std::size_t items, std::size_t factors)
        : ranker(tiles, factors),
          best_ranks(items, UINT32_MAX),
          best_popular_ranks(items, UINT32_MAX) {}

    TileRanker ranker;
    std::vector<Listed> block;
    BestRanks best_ranks;
    BestRanks best_popular_ranks;
  };

  template <class ScoreOf>
  void rank_candidates(const RankedUser& user, const ScoreOf& score_of, RankCounter& counter,
                       TopK& top) const;
  void rank(std::vector<Listed>& block, TileRanker& ranker, int thread);
  RankedResult result(Listed& listed) const;
  RankingMetrics rank_popular(const RankedUser& user, std::vector<std::uint32_t>& best) const;
  RankingMetrics mean(const RankingMetrics& sums, BestRanks RankingWorkspace::*best_ranks) const;

  const float* popularity_;
  std::vector<std::uint64_t> popular_keys_;  // see RankCounter::key(); the least popular first
  const std::vector<std::uint32_t> cutoffs_;
  std::uint32_t last_cutoff_;
  ThreadTeam& team_;
  const ScoreTiles tiles_;
  std::vector<RankingWorkspace> workers_;  // one for each thread
  RankingMetrics sums_;
  RankingMetrics popular_sums_;
};

}  // namespace als
