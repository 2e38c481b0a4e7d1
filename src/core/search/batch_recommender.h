// The best items of many users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bitmap.h"
#include "core/base/thread_team.h"
#include "core/data/seen_lists.h"
#include "core/search/diversity.h"
#include "core/search/score_tiles.h"
#include "core/search/top_k.h"

namespace als {

struct Recommendation {
  std::uint32_t user;
  std::uint32_t item;
  float score;
  std::int32_t rank;  ///< 1, 2, 3, ...
};

/// Finds the best items of users in batches, on all threads of a team: exactly those, in the same
/// order with the same bits, that scoring all items for each user and keeping the best k would.
///
/// Blocks of users go through the tiles of items, see ScoreTiles. An item is scored where it may be
/// among the best k of those looked at before: the longest vectors come first, so these are few.
class BatchRecommender {
 public:
  /// What a user's scores are made of: s_ui = (base + b_i) + vector . y_i.
  struct Query {
    const float* vector;
    float base;
  };
  /// The query of a user; called from any thread.
  using QueryOf = std::function<Query(std::size_t user)>;

  /// The best k items of each user, or with a diversity k of the best. Items in `excluded`, unless
  /// that is null, are never among them.
  /// Items and team must outlive this.
  BatchRecommender(const BiasedView& items, std::size_t k, ThreadTeam& team,
                   const Bitmap* excluded = nullptr, Diversity diversity = {});

  /// Users that make up a batch: some ten thousand recommendations, and some for each thread.
  std::size_t batch_users() const;

  /// The most bytes that this takes, with a batch of so many users.
  std::size_t memory(std::size_t users) const;

  /// The most bytes of a user's recommendations.
  std::size_t list_memory() const { return length_ * sizeof(Recommendation); }

  /// Recommendations for n users, in their order and by rank; without what they have seen, unless
  /// that is null. The calling thread does what `beside` says first, see ThreadTeam.
  std::vector<Recommendation> recommend(const std::uint32_t* users, std::size_t n,
                                        const QueryOf& query_of, const SeenLists* seen,
                                        const std::function<void()>& beside = nullptr);

 private:
  /// A user of a block of users.
  struct Seeker {
    std::size_t list;
    Query query;
    TopK top;
    const Bitmap* seen;  // null: nothing

    bool may_get(std::uint32_t item) const { return seen == nullptr || !(*seen)[item]; }
  };
  struct Workspace {
    explicit Workspace(std::size_t factors) : queries(factors) {}

    std::vector<Seeker> seekers;
    CodedQueries queries;      // theirs
    std::vector<Bitmap> seen;  // of each user of a block; all clear between blocks
    std::vector<float> least;
    std::vector<std::uint64_t> found;
    std::vector<std::uint32_t> candidates;
  };

  void offer(const std::vector<std::uint32_t>& items, Seeker& seeker) const;
  void search(Workspace& worker, int thread);
  std::vector<ScoredItem> list_of(Seeker& seeker) const;

  const BiasedView items_;
  const Diversity diversity_;
  const std::size_t length_;  // of a list; no more than there are items
  const std::size_t k_;       // of what it is chosen from; likewise
  ThreadTeam& team_;
  const ScoreTiles tiles_;
  const std::size_t block_users_;
  std::vector<Workspace> workers_;  // one for each thread
};

}  // namespace als
