#include "core/recommend_all.h"

#include <algorithm>

namespace als {
namespace {

constexpr std::size_t kBatchRows = std::size_t{1} << 16;
constexpr std::size_t kBatchUsersAThread = 16;

// Multiply-adds of a block of users, the least that a thread takes at a time: some milliseconds.
constexpr std::size_t kBlockOperations = std::size_t{1} << 24;

constexpr std::size_t kWordBits = 64;

}  // namespace

BatchRecommender::BatchRecommender(const FactorMatrix& items, const float* item_bias, std::size_t k,
                                   ThreadTeam& team)
    : items_(items),
      item_bias_(item_bias),
      k_(std::min(k, items.rows())),
      team_(team),
      workers_(static_cast<std::size_t>(team.threads())) {}

std::size_t BatchRecommender::batch_users() const {
  return std::max(kBatchRows / std::max<std::size_t>(k_, 1), kBatchUsersAThread * workers_.size());
}

std::size_t BatchRecommender::memory(std::size_t users) const {
  const std::size_t worker = items_.rows() * sizeof(float) + items_.rows() / 8;
  const std::size_t user =
      sizeof(std::vector<ScoredItem>) + k_ * (sizeof(ScoredItem) + sizeof(Recommendation));
  return workers_.size() * worker + users * user;
}

std::vector<ScoredItem> BatchRecommender::best(Worker& worker, const Query& query) const {
  score_all(items_, item_bias_, query.base, query.vector, worker.scores.data());
  TopK top(k_);
  for (std::size_t i = 0; i < items_.rows(); ++i) {
    if ((worker.excluded[i / kWordBits] >> (i % kWordBits) & 1) == 0)
      top.offer(static_cast<std::uint32_t>(i), worker.scores[i]);
  }
  return top.take();
}

std::vector<Recommendation> BatchRecommender::recommend(std::size_t begin, std::size_t end,
                                                        const QueryOf& query_of,
                                                        const SeenLists* seen) {
  std::vector<std::vector<ScoredItem>> lists(end - begin);
  const std::size_t operations = std::max<std::size_t>(items_.rows() * items_.cols(), 1);
  const std::size_t grain = std::clamp<std::size_t>(kBlockOperations / operations, 1, 64);
  team_.for_each_block(lists.size(), grain, [&](std::size_t from, std::size_t to, int thread) {
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    worker.scores.resize(items_.rows());
    worker.excluded.resize((items_.rows() + kWordBits - 1) / kWordBits);
    for (std::size_t l = from; l < to; ++l) {
      const std::size_t user = begin + l;
      if (seen != nullptr) {
        seen->for_each(user, [&](std::uint32_t item) {
          worker.excluded[item / kWordBits] |= std::uint64_t{1} << (item % kWordBits);
        });
      }
      lists[l] = best(worker, query_of(user));
      if (seen != nullptr) {
        seen->for_each(user, [&](std::uint32_t item) { worker.excluded[item / kWordBits] = 0; });
      }
    }
  });

  std::vector<Recommendation> rows;
  rows.reserve(lists.size() * k_);
  for (std::size_t l = 0; l < lists.size(); ++l) {
    std::int32_t rank = 0;
    for (const ScoredItem& scored : lists[l]) {
      rows.push_back({static_cast<std::uint32_t>(begin + l), scored.item, scored.score, ++rank});
    }
  }
  return rows;
}

}  // namespace als
