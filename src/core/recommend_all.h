// The best items of many users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/factor_matrix.h"
#include "core/scoring.h"
#include "core/seen_lists.h"
#include "core/thread_team.h"

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
  /// What a user's scores hang on: s_ui = (base + b_i) + vector . y_i.
  struct Query {
    const float* vector;
    float base;
  };
  /// The query of a user; called from any thread.
  using QueryOf = std::function<Query(std::size_t user)>;

  /// The best k items of each user; item_bias may be null. All arguments must outlive this.
  BatchRecommender(const FactorMatrix& items, const float* item_bias, std::size_t k,
                   ThreadTeam& team);

  /// Users that make up a batch: some ten thousand recommendations, and some for each thread.
  std::size_t batch_users() const;

  /// The most bytes that a batch of so many users takes.
  std::size_t memory(std::size_t users) const;

  /// Recommendations for users [begin, end), by user and rank; without what they have seen, unless
  /// that is null.
  std::vector<Recommendation> recommend(std::size_t begin, std::size_t end, const QueryOf& query_of,
                                        const SeenLists* seen);

 private:
  /// What a thread works with.
  struct Worker {
    std::vector<float> scores;
    std::vector<std::uint64_t> excluded;  // a bit for each item; all 0 between users
  };

  std::vector<ScoredItem> best(Worker& worker, const Query& query) const;

  const FactorMatrix& items_;
  const float* item_bias_;
  const std::size_t k_;  // no more than there are items
  ThreadTeam& team_;
  std::vector<Worker> workers_;
};

}  // namespace als
