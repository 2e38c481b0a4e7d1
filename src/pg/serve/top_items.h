// From what is known of a user to the items to recommend, or of an item to the users.
#pragma once

#include "core/base/bitmap.h"
#include "core/search/diversity.h"
#include "pg/serve/scored_rows.h"

namespace als::pg {

/// What to recommend to a user of whom nothing is known.
enum class OnUnknown { kEmpty, kPopular, kError };

/// An argument on_unknown of these choices; there is nothing popular for an item. Throws 22004 or
/// 22023.
OnUnknown on_unknown_arg(FunctionCallInfo fcinfo, int index, Side whom = Side::kUsers);

/// Which rows of a side may be among the best: items to recommend, say.
class EligibleRows {
 public:
  /// All rows, or those of the array argument `candidates` that the model knows, without those of
  /// the array argument `exclude`; null arguments restrict nothing.
  EligibleRows(FunctionCallInfo fcinfo, int candidates, int exclude, ServedModel& served,
               Side side);

  void exclude(std::uint32_t row) { excluded_.set(row); }
  bool operator[](std::size_t row) const { return !excluded_[row]; }
  const Bitmap& excluded() const { return excluded_; }

  /// The candidates, where they are so few that it is quicker to look at each of them; null
  /// otherwise.
  const std::vector<std::uint32_t>* few_candidates() const {
    return are_few_ ? &candidates_ : nullptr;
  }

 private:
  Bitmap excluded_;
  std::vector<std::uint32_t> candidates_;  // each once
  bool are_few_ = false;
};

/// The k eligible rows of a side with the highest scores for a vector of the other side, ties by
/// id; or k of the best, by their diversity. base: base_score() of the other.
std::vector<ScoredItem> best_rows(ServedModel& served, Side side, const float* vector, float base,
                                  int k, const EligibleRows& eligible, Diversity diversity = {});

/// Whether a row's vector says nothing: that of a user of whom only is known what they do not want.
bool is_empty(const Model& model, const float* vector);

/// The k eligible items of the greatest popularity, which is their score; ties by id.
std::vector<ScoredItem> popular_items(ServedModel& served, int k, const EligibleRows& eligible);

}  // namespace als::pg
