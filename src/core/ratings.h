// Ratings in compressed rows, seen from both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "core/options.h"
#include "core/thread_team.h"
#include "core/uninitialized_vector.h"

namespace als {

/// Ratings in the order in which they arrive, in blocks, so that growing never copies.
class RatingBuffer {
 public:
  struct Entry {
    std::uint32_t user;
    std::uint32_t item;
    float value;
  };
  static constexpr std::size_t kBlockEntries = std::size_t{1} << 20;

  void append(std::uint32_t user, std::uint32_t item, float value) {
    if (size_ % kBlockEntries == 0) add_block();
    blocks_.back()[size_++ % kBlockEntries] = {user, item, value};
  }
  std::size_t size() const { return size_; }
  std::size_t blocks() const { return blocks_.size(); }
  const Entry* block(std::size_t b) const { return blocks_[b].get(); }
  std::size_t block_size(std::size_t b) const;
  void clear();

 private:
  void add_block();
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::size_t size_ = 0;
};

/// A sparse matrix in compressed rows (CSR): row r has the entries offsets[r] .. offsets[r+1] - 1,
/// its columns strictly ascending.
struct CompressedRows {
  std::vector<std::uint64_t> offsets;  ///< rows + 1
  UninitializedVector<std::uint32_t> columns;
  UninitializedVector<float> values;

  std::size_t rows() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::size_t row_size(std::size_t r) const { return offsets[r + 1] - offsets[r]; }
};

/// Two rows of the source rate the same item for the same user, and OnDuplicate is kError. Carries
/// the canonical indexes of the smallest such (user, item).
class DuplicateRating : public std::exception {
 public:
  DuplicateRating(std::uint32_t user, std::uint32_t item) : user(user), item(item) {}
  const char* what() const noexcept override { return "duplicate rating"; }
  std::uint32_t user;
  std::uint32_t item;
};

/// Cuts rows into runs of at most `limit` entries, or of one row where that has more; every row
/// counts as `per_row` entries beside its own. Returns the first row of each run, and rows() at
/// last.
std::vector<std::size_t> split_rows(const CompressedRows& matrix, std::size_t per_row,
                                    std::size_t limit);

/// All ratings by user and by item. Depends on the set of ratings alone, not on the order in which
/// they came nor on the number of threads.
class Ratings {
 public:
  /// Takes over (and empties) the buffer, whose values must be finite. Throws std::range_error if
  /// the sum of duplicates is not. user_rank[u] is the canonical index of the user that the buffer
  /// calls u, a permutation; item_rank likewise. Duplicates are merged in double precision in
  /// ascending order of their values.
  Ratings(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
          const std::vector<std::uint32_t>& item_rank, OnDuplicate on_duplicate, ThreadTeam& team);

  std::size_t users() const { return by_user_.rows(); }
  std::size_t items() const { return by_item_.rows(); }
  std::size_t size() const { return by_user_.columns.size(); }
  std::size_t duplicates() const { return duplicates_; }  ///< entries merged away
  double mean() const { return mean_; }                   ///< of the merged ratings; 0 if none
  const CompressedRows& by_user() const { return by_user_; }
  const CompressedRows& by_item() const { return by_item_; }

 private:
  CompressedRows by_user_;
  CompressedRows by_item_;
  std::size_t duplicates_ = 0;
  double mean_ = 0;
};

}  // namespace als
