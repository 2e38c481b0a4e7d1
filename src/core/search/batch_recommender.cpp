// Runs blocks of users through the tiles of items, on all threads.
#include "core/search/batch_recommender.h"

#include <algorithm>
#include <utility>

namespace als {
namespace {

constexpr std::size_t kBatchRows = std::size_t{1} << 16;
constexpr std::size_t kBatchUsersPerThread = 16;

// Users of a block. Their codes stay in the first cache while the tiles pass by, and the bitmaps of
// what they have seen should stay in the second.
constexpr std::size_t kMostBlockUsers = 96;
constexpr std::size_t kBitmapBytes = std::size_t{1} << 20;
constexpr std::size_t kBlockOperations = std::size_t{1} << 30;  // multiply-adds: some 20 ms

// Tiles looked at with the same limits. Few at first, when each raises them; so twice as many items
// as have been looked at before make about k more candidates.
constexpr std::size_t kMostTiles = 32;

// More than one, so that all threads are done at about the same time.
constexpr std::size_t kBlocksPerThread = 8;

std::size_t block_users(const FactorView& items) {
  const std::size_t users = std::min(kBitmapBytes / (items.rows / 8 + 1),
                                     kBlockOperations / (items.rows * items.cols + 1));
  return std::clamp(users, std::size_t{1}, kMostBlockUsers);
}

}  // namespace

BatchRecommender::BatchRecommender(const BiasedView& items, std::size_t k, ThreadTeam& team,
                                   const Bitmap* excluded, Diversity diversity)
    : items_(items),
      diversity_(diversity),
      length_(std::min(k, items.vectors.rows)),
      k_(std::min(diversity.head(k), items.vectors.rows)),
      team_(team),
      tiles_(items, excluded, team),
      block_users_(block_users(items.vectors)),
      workers_(static_cast<std::size_t>(team.threads()), Workspace(items.vectors.cols)) {}

std::size_t BatchRecommender::batch_users() const {
  return std::max(kBatchRows / std::max<std::size_t>(k_, 1),
                  kBatchUsersPerThread * workers_.size());
}

std::size_t BatchRecommender::memory(std::size_t users) const {
  const std::size_t items = items_.vectors.rows;
  const std::size_t worker =
      std::min(users, block_users_) * (items / 8 + k_ * sizeof(ScoredItem) +
                                       std::min(kMostTiles, tiles_.size()) * sizeof(std::uint64_t));
  const std::size_t user =
      sizeof(std::vector<ScoredItem>) + k_ * sizeof(ScoredItem) + list_memory();
  return ScoreTiles::memory(items, items_.vectors.cols) + workers_.size() * worker + users * user;
}

/// Scores items that may be among a user's best.
void BatchRecommender::offer(const std::vector<std::uint32_t>& items, Seeker& seeker) const {
  for (const std::uint32_t item : items) {
    if (seeker.may_get(item))
      seeker.top.offer(item, tiles_.score(seeker.query.vector, seeker.query.base, item));
  }
}

std::vector<ScoredItem> BatchRecommender::list_of(Seeker& seeker) const {
  std::vector<ScoredItem> best = seeker.top.take();
  return diversity_.is_asked() ? diversity_.choose(best, length_, items_.vectors) : best;
}

/// Looks at all tiles for the seekers, whose queries are coded.
void BatchRecommender::search(Workspace& worker, int thread) {
  const std::size_t n = worker.seekers.size();
  worker.least.resize(n);
  worker.found.resize(n * std::min(kMostTiles, tiles_.size()));
  for (std::size_t begin = 0, end; begin < tiles_.size(); begin = end) {
    end = std::min(begin + std::clamp<std::size_t>(begin, 1, kMostTiles), tiles_.size());
    for (std::size_t q = 0; q < n; ++q) worker.least[q] = worker.seekers[q].top.least();
    tiles_.find(begin, end, worker.queries, worker.least.data(), worker.found.data());
    const std::uint64_t* found = worker.found.data();
    for (Seeker& seeker : worker.seekers) {
      worker.candidates.clear();
      for (std::size_t tile = begin; tile < end; ++tile, ++found) {
        for (std::uint64_t left = *found; left != 0; left &= left - 1) {
          const std::size_t position =
              tile * kTileItems + static_cast<std::size_t>(__builtin_ctzll(left));
          if (position >= tiles_.order().size()) break;  // the last tile may not be full
          const std::uint32_t item = tiles_.order()[position];
          if (!seeker.may_get(item)) continue;
          tiles_.fetch(item);
          worker.candidates.push_back(item);
        }
      }
      offer(worker.candidates, seeker);
    }
    team_.leave_if_asked(thread);
  }
}

std::vector<Recommendation> BatchRecommender::recommend(const std::uint32_t* users, std::size_t n,
                                                        const QueryOf& query_of,
                                                        const SeenLists* seen,
                                                        const std::function<void()>& beside) {
  std::vector<std::vector<ScoredItem>> lists(n);
  const std::size_t grain =
      std::clamp(n / (kBlocksPerThread * workers_.size()), std::size_t{1}, block_users_);
  const auto search_block = [&](std::size_t begin, std::size_t end, int thread) {
    Workspace& worker = workers_[static_cast<std::size_t>(thread)];
    worker.queries.clear();
    worker.seekers.clear();
    if (seen != nullptr)
      worker.seen.resize(std::max(worker.seen.size(), end - begin), Bitmap(items_.vectors.rows));
    for (std::size_t l = begin; l < end; ++l) {
      Seeker seeker{l, query_of(users[l]), TopK(k_), nullptr};
      if (seen != nullptr) {
        Bitmap& bits = worker.seen[l - begin];
        seen->for_each(users[l], [&](std::uint32_t item) { bits.set(item); });
        seeker.seen = &bits;
      }
      offer(tiles_.untrusted(), seeker);
      if (worker.queries.add(seeker.query.vector, seeker.query.base)) {
        worker.seekers.push_back(std::move(seeker));
      } else {
        offer(tiles_.order(), seeker);
        lists[l] = list_of(seeker);
      }
    }
    const auto clear_seen = [&] {
      for (std::size_t l = begin; seen != nullptr && l < end; ++l) {
        Bitmap& bits = worker.seen[l - begin];
        seen->for_each(users[l], [&](std::uint32_t item) { bits.clear(item); });
      }
    };
    try {
      search(worker, thread);
    } catch (...) {
      clear_seen();
      throw;
    }
    clear_seen();
    for (Seeker& seeker : worker.seekers) lists[seeker.list] = list_of(seeker);
  };
  team_.for_each_block(n, grain, search_block, beside);

  std::vector<Recommendation> rows;
  rows.reserve(lists.size() * length_);
  for (std::size_t l = 0; l < lists.size(); ++l) {
    std::int32_t rank = 0;
    for (const ScoredItem& scored : lists[l]) {
      rows.push_back({users[l], scored.item, scored.score, ++rank});
    }
  }
  return rows;
}

}  // namespace als
