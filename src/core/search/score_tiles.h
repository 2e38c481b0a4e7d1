// The scores of all items for many queries, nearly: in integers, with a bound on what is off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/aligned_vector.h"
#include "core/base/bitmap.h"
#include "core/base/thread_team.h"
#include "core/kernels/score_tile.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Queries in integers, some at a time.
class CodedQueries {
 public:
  explicit CodedQueries(std::size_t factors) : factors_(factors), pairs_((factors + 1) / 2) {}

  void clear();

  /// Adds one; false, and nothing is added, if it is too large to be trusted or not a number.
  bool add(const float* query, float base);

  std::size_t size() const { return queries_.size(); }
  const TileQuery& operator[](std::size_t n) const { return queries_[n]; }
  TileQueries coded() const { return first(size()); }
  TileQueries first(std::size_t n) const { return {codes_.data(), queries_.data(), n}; }

 private:
  const std::size_t factors_;
  const std::size_t pairs_;
  std::vector<std::int16_t> codes_;
  std::vector<TileQuery> queries_;
};

/// The vectors of items in 16-bit integers, 64 items to a tile. What may score most comes first, so
/// that limits are high early and most tiles are ruled out as a whole; and vectors of about one
/// length, which share a scale. Products of integers take half the time of those of floats or less,
/// and their error is known: what is within the margin() of a limit is to be scored exactly.
///
/// Why 16 bits and not 8: the margin is 1e-4 of |x| |y|, so hardly an item more is scored than
/// need be, and even ranks among all items can be counted; every processor multiplies pairs of
/// such integers and adds them up; and nothing saturates.
///
/// Items whose vectors or biases are too large to be trusted, or not numbers, are in no tile.
class ScoreTiles {
 public:
  /// Items in `excluded`, unless that is null, are left out. `items` must outlive this.
  ScoreTiles(const BiasedView& items, const Bitmap* excluded, ThreadTeam& team);

  /// The bytes that the tiles of so many items take.
  static std::size_t memory(std::size_t items, std::size_t factors);

  std::size_t size() const { return bounds_.size(); }  ///< how many
  const TiledItems& coded() const { return coded_; }

  /// The items of the tiles, in their order, and those in none.
  const std::vector<std::uint32_t>& order() const { return order_; }
  const std::vector<std::uint32_t>& untrusted() const { return untrusted_; }

  /// Where an item stands in that order, kNoPlace for one that is in no tile.
  static constexpr std::uint32_t kNoPlace = UINT32_MAX;
  std::uint32_t place(std::uint32_t item) const { return places_[item]; }

  /// As the kernels of these names: on tiles [begin, end).
  void find(std::size_t begin, std::size_t end, const CodedQueries& queries, const float* least,
            std::uint64_t* found) const;
  void score(std::size_t begin, std::size_t end, const TileQueries& queries, float* scores) const;

  /// What holds for each item of this tile and of those behind it.
  const TileBound& bound_from(std::size_t tile) const { return bounds_from_[tile]; }

  /// s = (base + b) + query . y, of any item.
  float score(const float* query, float base, std::uint32_t item) const;

  /// Asks for an item's vector early.
  void fetch(std::uint32_t item) const;

 private:
  void sort_items(const Bitmap* excluded, ThreadTeam& team);
  void code(std::size_t tile);

  const BiasedView items_;
  std::vector<float> norms_;  // by item
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> places_;  // by item
  std::vector<std::uint32_t> untrusted_;
  std::vector<TileBound> bounds_;
  std::vector<TileBound> bounds_from_;
  AlignedVector<float> biases_;
  AlignedVector<std::int16_t> codes_;
  TiledItems coded_{};
};

/// As the kernels of these names.
void count_scores(const float* scores, std::size_t count, const std::vector<ScoreRange>& ranges,
                  float* kept, std::uint32_t* above, std::uint32_t* not_under);
std::size_t find_in_range(const float* scores, std::size_t count, const ScoreRange& range,
                          std::uint32_t* found);

}  // namespace als
