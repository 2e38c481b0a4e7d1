// From what is known of a user to the items to recommend.
#pragma once

#include "core/base/bitmap.h"
#include "pg/serve/scored_rows.h"

namespace als::pg {

/// What to recommend to a user of whom nothing is known.
enum class OnUnknown { kEmpty, kPopular, kError };

/// An argument on_unknown of these choices. Throws 22004 or 22023.
OnUnknown on_unknown_arg(FunctionCallInfo fcinfo, int index);

/// Which items may be recommended.
class EligibleItems {
 public:
  /// All items, or those of the array argument `candidates` that the model knows, without those of
  /// the array argument `exclude`; null arguments restrict nothing.
  EligibleItems(FunctionCallInfo fcinfo, int candidates, int exclude, const LoadedFactors& items);

  void exclude(std::uint32_t item) { excluded_.set(item); }
  bool operator[](std::size_t item) const { return !excluded_[item]; }
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

/// The k eligible items with the highest scores for this vector, ties by id. base: base_score() of
/// the user.
std::vector<ScoredItem> best_items(ServedModel& served, const float* vector, float base, int k,
                                   const EligibleItems& eligible);

/// The k eligible items with the most ratings, which are their scores; ties by id.
std::vector<ScoredItem> popular_items(ServedModel& served, int k, const EligibleItems& eligible);

}  // namespace als::pg
