// The best items of many users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bitmap.h"
#include "core/base/thread_team.h"
#include "core/data/seen_lists.h"
#include "core/search/top_k_search.h"

namespace als {

struct Recommendation {
  std::uint32_t user;
  std::uint32_t item;
  float score;
  std::int32_t rank;  ///< 1, 2, 3, ...
};

/// Which items there are to choose from.
struct ItemChoice {
  const Bitmap* excluded = nullptr;  ///< never among the best; null: any may be

  /// The others, where they are so few that it is quicker to look at each of them; else null.
  const std::vector<std::uint32_t>* few = nullptr;
};

/// Finds the best items of users in batches, on all threads of a team.
class BatchRecommender {
 public:
  /// What a user's scores are made of: s_ui = (base + b_i) + vector . y_i.
  struct Query {
    const float* vector;
    float base;
  };
  /// The query of a user; called from any thread.
  using QueryOf = std::function<Query(std::size_t user)>;

  /// The best k items of each user. Search, team and choice must outlive this.
  BatchRecommender(const TopKSearch& items, std::size_t k, ThreadTeam& team,
                   ItemChoice choice = {});

  /// Users that make up a batch: some ten thousand recommendations, and some for each thread.
  std::size_t batch_users() const;

  /// The most bytes that a batch of so many users takes.
  std::size_t memory(std::size_t users) const;

  /// Recommendations for n users, in their order and by rank; without what they have seen, unless
  /// that is null.
  std::vector<Recommendation> recommend(const std::uint32_t* users, std::size_t n,
                                        const QueryOf& query_of, const SeenLists* seen);

 private:
  std::vector<ScoredItem> best(const Query& query, const Bitmap* excluded) const;

  const TopKSearch& items_;
  const std::size_t k_;  // no more than there are items
  ThreadTeam& team_;
  const ItemChoice choice_;
  std::vector<Bitmap> excluded_;  // one for each thread; that of the choice between users
};

}  // namespace als
