// From what is known of a user to the items to recommend, or of an item to the users.
#pragma once

#include "core/base/bitmap.h"
#include "core/search/diversity.h"
#include "core/search/exploration.h"
#include "pg/serve/scored_rows.h"

namespace als::pg {

/// What to recommend to a user of whom nothing is known.
enum class OnUnknown { kEmpty, kPopular, kError };

/// An argument on_unknown of these choices; there is nothing popular for an item. Throws 22004 or
/// 22023.
OnUnknown on_unknown_arg(FunctionCallInfo fcinfo, int index, Side whom = Side::kUsers);

/// The argument `diversity`, where the function has as many; als 1.0 had none. Throws 22004 or
/// 22023.
Diversity diversity_arg(FunctionCallInfo fcinfo, int index);

/// Which rows of a side may be among the best: items to recommend, say.
class EligibleRows {
 public:
  /// All rows, or those of the array argument `candidates` that the model knows, without those of
  /// the array argument `exclude`; null arguments restrict nothing.
  EligibleRows(FunctionCallInfo fcinfo, int candidates, int exclude, ServedModel& served,
               Side side);

  void exclude(std::uint32_t row) { bitmap().set(row); }
  bool operator[](std::size_t row) const { return !excluded_ || !(*excluded_)[row]; }

  /// The others; null where all are eligible.
  const Bitmap* excluded() const { return excluded_ ? &*excluded_ : nullptr; }

  /// Those of them that have fewer than `below` ratings. Throws 55000 where the model does not know
  /// how many items have.
  EligibleRows new_items(ServedModel& served, int below) const;

  /// The candidates, where they are so few that it is quicker to look at each of them; null
  /// otherwise.
  const std::vector<std::uint32_t>* few_candidates() const {
    return are_few_ ? &candidates_ : nullptr;
  }

 private:
  explicit EligibleRows(std::size_t rows) : rows_(rows) {}

  Bitmap& bitmap() {
    if (!excluded_) excluded_.emplace(rows_);
    return *excluded_;
  }

  void look_at_each_if_few(std::size_t rows) {
    are_few_ = TopKSearch::is_slower_than_scoring(candidates_.size(), rows);
  }

  std::size_t rows_;
  std::optional<Bitmap> excluded_;         // of a million rows, it takes a while to be made
  std::vector<std::uint32_t> candidates_;  // each once
  bool are_few_ = false;
};

/// The k eligible rows of a side with the highest scores for a vector of the other side, ties by
/// id; or k of the best, by their diversity. base: base_score() of the other.
std::vector<ScoredItem> best_rows(ServedModel& served, Side side, const float* vector, float base,
                                  int k, const EligibleRows& eligible, Diversity diversity = {});

/// What of a list is kept for new items: those with fewer than new_below ratings.
struct NewItems {
  Exploration exploration;
  int below = 0;
  std::uint64_t user_key = 0;  ///< see Exploration::mix()
};

/// The k best items of a user, by their diversity, with places kept for new ones.
std::vector<ScoredItem> best_items(ServedModel& served, const float* vector, float base, int k,
                                   const EligibleRows& eligible, Diversity diversity,
                                   const NewItems& new_items);

/// Whether a row's vector says nothing: that of a user of whom only is known what they do not want.
bool is_empty(const Model& model, const float* vector);

/// The k eligible items of the greatest popularity, which is their score; ties by id.
std::vector<ScoredItem> popular_items(ServedModel& served, int k, const EligibleRows& eligible);

}  // namespace als::pg
