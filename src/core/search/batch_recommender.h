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

  /// The best k items of each user. Search and team must outlive this.
  BatchRecommender(const TopKSearch& items, std::size_t k, ThreadTeam& team);

  /// Users that make up a batch: some ten thousand recommendations, and some for each thread.
  std::size_t batch_users() const;

  /// The most bytes that a batch of so many users takes.
  std::size_t memory(std::size_t users) const;

  /// Recommendations for users [begin, end), by user and rank; without what they have seen, unless
  /// that is null.
  std::vector<Recommendation> recommend(std::size_t begin, std::size_t end, const QueryOf& query_of,
                                        const SeenLists* seen);

 private:
  const TopKSearch& items_;
  const std::size_t k_;  // no more than there are items
  ThreadTeam& team_;
  std::vector<Bitmap> excluded_;  // one for each thread; all clear between users
};

}  // namespace als
