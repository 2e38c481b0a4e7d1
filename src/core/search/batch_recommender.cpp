// Runs the search for blocks of users on all threads.
#include "core/search/batch_recommender.h"

#include <algorithm>

namespace als {
namespace {

constexpr std::size_t kBatchRows = std::size_t{1} << 16;
constexpr std::size_t kBatchUsersPerThread = 16;

// Multiply-adds of a block of users, the least that a thread takes at a time: some milliseconds.
constexpr std::size_t kBlockOperations = std::size_t{1} << 24;

}  // namespace

BatchRecommender::BatchRecommender(const TopKSearch& items, std::size_t k, ThreadTeam& team,
                                   ItemChoice choice)
    : items_(items),
      k_(std::min(k, items.rows().rows)),
      team_(team),
      choice_(choice),
      excluded_(static_cast<std::size_t>(team.threads()),
                choice.excluded != nullptr ? *choice.excluded : Bitmap(items.rows().rows)) {}

std::size_t BatchRecommender::batch_users() const {
  return std::max(kBatchRows / std::max<std::size_t>(k_, 1),
                  kBatchUsersPerThread * excluded_.size());
}

std::size_t BatchRecommender::memory(std::size_t users) const {
  const std::size_t worker = items_.rows().rows / 8;
  const std::size_t user =
      sizeof(std::vector<ScoredItem>) + k_ * (sizeof(ScoredItem) + sizeof(Recommendation));
  return excluded_.size() * worker + users * user;
}

std::vector<ScoredItem> BatchRecommender::best(const Query& query, const Bitmap* excluded) const {
  if (choice_.few == nullptr) return items_.best(query.vector, query.base, k_, excluded);
  TopK top(k_);
  for (const std::uint32_t item : *choice_.few)
    if (!(*excluded)[item]) top.offer(item, items_.score(query.vector, query.base, item));
  return top.take();
}

std::vector<Recommendation> BatchRecommender::recommend(const std::uint32_t* users, std::size_t n,
                                                        const QueryOf& query_of,
                                                        const SeenLists* seen) {
  std::vector<std::vector<ScoredItem>> lists(n);
  // At worst a search scores every item.
  const FactorView rows_of_items = items_.rows();
  const std::size_t operations = std::max<std::size_t>(rows_of_items.rows * rows_of_items.cols, 1);
  const std::size_t grain = std::clamp<std::size_t>(kBlockOperations / operations, 1, 64);
  const bool nothing_excluded = choice_.excluded == nullptr && seen == nullptr;
  team_.for_each_block(lists.size(), grain, [&](std::size_t from, std::size_t to, int thread) {
    Bitmap& excluded = excluded_[static_cast<std::size_t>(thread)];
    const auto is_chosen = [&](std::uint32_t item) {
      return choice_.excluded == nullptr || !(*choice_.excluded)[item];
    };
    for (std::size_t l = from; l < to; ++l) {
      const std::size_t user = users[l];
      if (seen != nullptr) seen->for_each(user, [&](std::uint32_t item) { excluded.set(item); });
      lists[l] = best(query_of(user), nothing_excluded ? nullptr : &excluded);
      if (seen != nullptr)
        seen->for_each(user, [&](std::uint32_t item) {
          if (is_chosen(item)) excluded.clear(item);
        });
    }
  });

  std::vector<Recommendation> rows;
  rows.reserve(lists.size() * k_);
  for (std::size_t l = 0; l < lists.size(); ++l) {
    std::int32_t rank = 0;
    for (const ScoredItem& scored : lists[l]) {
      rows.push_back({users[l], scored.item, scored.score, ++rank});
    }
  }
  return rows;
}

}  // namespace als
