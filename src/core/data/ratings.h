// Ratings in compressed rows, seen from both sides.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/chunk_pool.h"
#include "core/data/compressed_rows.h"
#include "core/data/duplicates.h"
#include "core/data/holdout.h"

namespace als {

/// Ratings in the order in which they arrive, in blocks, so that growing never copies. Either all
/// of them have weights, or none.
class RatingBuffer {
 public:
  struct Entry {
    std::uint32_t user;
    std::uint32_t item;
    float value;
  };
  using Weights = std::unique_ptr<float[]>;
  static constexpr std::size_t kChunkEntries = ChunkPool::kChunkBytes / sizeof(Entry);
  static constexpr std::size_t kBlockChunks = std::size_t{1} << 10;
  static constexpr std::size_t kBlockEntries = kBlockChunks * kChunkEntries;

  void append(std::uint32_t user, std::uint32_t item, float value) {
    append(&user, &item, &value, 1);
  }
  void append(const std::uint32_t* users, const std::uint32_t* items, const float* values,
              std::size_t n, const float* weights = nullptr);
  std::size_t size() const { return size_; }
  std::size_t blocks() const { return blocks_.size(); }
  std::size_t block_size(std::size_t b) const;
  const Entry* block(std::size_t b) const {
    return reinterpret_cast<const Entry*>(blocks_[b].get());
  }

  /// Calls visit(entry) for all of them in their order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t b = 0; b < blocks(); ++b) std::for_each_n(block(b), block_size(b), visit);
  }

  /// The same; each block goes when all of it has been visited, and the buffer is empty afterwards.
  template <class Visit>
  void use_up(const Visit& visit) {
    for (std::size_t b = 0; b < blocks(); ++b) {
      std::for_each_n(block(b), block_size(b), visit);
      blocks_[b].reset();
    }
    take_blocks();
  }

  /// Of rating e of a block; 1 where none has a weight.
  float weight(std::size_t b, std::size_t e) const { return weights_.empty() ? 1 : weights_[b][e]; }
  bool has_weights() const { return !weights_.empty(); }

  /// Hands over the memory, and is empty afterwards; the weights are lost.
  std::vector<ChunkPool::Block> take_blocks();
  std::vector<Weights> take_weights() { return std::exchange(weights_, {}); }

 private:
  std::vector<ChunkPool::Block> blocks_;
  std::vector<Weights> weights_;  // of each block
  std::size_t size_ = 0;
};

/// In which units a training that knows no scale of the ratings can measure: their standard
/// deviation. Where they are equal, or as good as equal for single precision, what they can
/// resolve; and 1 where all are 0.
double spread_of(double mean, double variance);

/// All ratings by user and by item. Depends on the set of ratings alone, not on the order in which
/// they came nor on the number of threads.
class Ratings {
 public:
  /// The items' rows are made in so many parts, each of which needs room for a copy of its entries.
  static constexpr std::size_t kParts = 4;

  /// Takes over (and empties) the buffer, whose values must be finite. Throws std::range_error if
  /// the sum of duplicates is not. user_rank[u] is the canonical index of the user that the buffer
  /// calls u, a permutation; item_rank likewise. Duplicates are merged in double precision in
  /// ascending order of their values, see merge_duplicates(). With a rule, some ratings are kept
  /// out.
  Ratings(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
          const std::vector<std::uint32_t>& item_rank, OnDuplicate on_duplicate, ThreadTeam& team,
          const HoldoutRule* holdout = nullptr);

  std::size_t users() const { return by_user_.rows(); }
  std::size_t items() const { return by_item_.rows(); }
  std::size_t size() const { return by_user_.columns.size(); }
  std::size_t duplicates() const { return duplicates_; }  ///< entries merged away
  double mean() const { return mean_; }  ///< of the ratings here, by their weights; 0 if none
  double mean_weight() const { return mean_weight_; }  ///< of the ratings here; 1 if none

  /// The lowest and the highest of the ratings here; zeros if none.
  std::pair<float, float> range() const;
  double spread() const { return spread_; }  ///< see spread_of()

  const CompressedRows& held_out() const { return held_out_; }  ///< by user; empty without a rule
  const CompressedRows& by_user() const { return by_user_; }
  const CompressedRows& by_item() const { return by_item_; }

  /// Hand over what is seen from one side, and have nothing of it afterwards.
  CompressedRows take_by_user() { return std::move(by_user_); }
  CompressedRows take_by_item() { return std::move(by_item_); }

 private:
  CompressedRows by_user_;
  CompressedRows by_item_;
  CompressedRows held_out_;
  std::size_t duplicates_ = 0;
  double mean_ = 0;
  double mean_weight_ = 1;
  double spread_ = 1;
};

}  // namespace als
