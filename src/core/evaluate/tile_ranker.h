// Where the relevant items of many users stand among all items.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/aligned_vector.h"
#include "core/evaluate/rank_counter.h"
#include "core/search/score_tiles.h"
#include "core/search/top_k.h"

namespace als {

/// Whether a list that ascends has an item.
inline bool contains(const std::vector<std::uint32_t>& list, std::uint32_t item) {
  return std::binary_search(list.begin(), list.end(), item);
}

/// A user whose relevant items are to be ranked among all others. Both lists ascend, and have
/// nothing in common.
struct ListToRank {
  const float* vector;
  float base;
  const std::vector<std::uint32_t>* relevant;
  const std::vector<std::uint32_t>* excluded;
  RankCounter* counter;      ///< counts what is ranked
  TopK* top;                 ///< is offered what may be among the best; null: not asked for
  bool behind_ties = false;  ///< see RankCounter::start_behind_ties()
};

/// Ranks exactly, as by scores of all items, but scores few: those whose scores in the tiles are
/// within the margin of a relevant item's. The others are counted. Where the most that the rest of
/// the items can score is less than all that matters to a user, they are not even looked at.
class TileRanker {
 public:
  /// Users ranked at a time, whose scores of a few tiles should stay in the second cache.
  static constexpr std::size_t kMostUsers = 48;

  /// Users of a block, where blocks of n are dealt to threads.
  static std::size_t block_users(std::size_t n, std::size_t threads) {
    // More than one block for each, so that all are done at about the same time.
    constexpr std::size_t kBlocksPerThread = 4;
    return std::clamp(n / (kBlocksPerThread * threads), std::size_t{1}, kMostUsers);
  }

  explicit TileRanker(const ScoreTiles& tiles, std::size_t factors)
      : tiles_(tiles), factors_(factors), queries_(factors) {}

  /// The bytes that this takes, beside the tiles.
  static std::size_t memory();

  /// Calls `pause` every now and then, which may leave by an exception: then the next call must
  /// begin with counters and lists that are new.
  void rank(const std::vector<ListToRank>& lists, const std::function<void()>& pause);

 private:
  /// What is known of a user while the tiles pass by.
  struct Ranking {
    const ListToRank* list;
    std::vector<float> relevant;          // scores, ascending
    std::vector<std::uint32_t> above;     // for each, how many items have been counted above it
    std::vector<std::uint32_t> excluded;  // where those stand that the tiles hold, ascending,
    std::size_t passed = 0;               // and how many of them have come by
    std::size_t counted = 0;
    float reach = 0;  // the worst of the relevant scores, for a vector of length 1
  };

  void start(const ListToRank& list);
  void code_queries();
  bool is_done(std::size_t tile, std::size_t query) const;
  void rank_exactly(const std::vector<std::uint32_t>& items, const ListToRank& list) const;
  void leave_out_excluded(std::size_t first, float* scores, std::size_t count,
                          Ranking& ranking) const;
  void count(std::size_t first, const float* scores, std::size_t count, float most, float margin,
             Ranking& ranking);
  void offer(std::size_t first, const float* scores, std::size_t count, float most, float margin,
             const ListToRank& list);

  const ScoreTiles& tiles_;
  const std::size_t factors_;
  CodedQueries queries_;
  std::vector<Ranking> rankings_;
  AlignedVector<float> scores_;
  AlignedVector<float> kept_;
  std::vector<ScoreRange> ranges_;
  std::vector<std::uint32_t> above_;
  std::vector<std::uint32_t> not_under_;
  std::vector<std::uint32_t> near_;
  std::vector<std::uint32_t> found_;
};

}  // namespace als
