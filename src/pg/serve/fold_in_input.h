// The items of a user whom training has not seen, and what they say about that user; or the users
// of such an item.
#pragma once

#include "core/data/compressed_rows.h"
#include "core/fold_in/folded_row.h"
#include "pg/cache/served_model.h"

namespace als::pg {

/// The places of the arguments. The last two are beyond those of a function without, as all were in
/// als 1.0.
struct FoldInArguments {
  int ids;
  int ratings;
  int weights = FUNC_MAX_ARGS;
  int features = FUNC_MAX_ARGS;
};

/// What a fold_in_input holds of ids that the model knows: items, from which comes a user, or
/// users, from which comes an item.
class FoldInInput {
 public:
  /// Reads the array arguments `ids`, of any type that casts to the model's ids of the side,
  /// `ratings`, which may be null where each counts 1, and `weights`, which mean what those of a
  /// training do. Null and unknown ids are left out; an id that stands there twice is treated as in
  /// training. `features`, unless null, are those of the row that comes of it. Throws 42804, 2202E
  /// for arrays of different lengths, 22004 or 22003 for ratings that are missing or not finite,
  /// 21000 for an id that stands there twice if training would refuse it, and what expected_by()
  /// throws.
  FoldInInput(FunctionCallInfo fcinfo, FoldInArguments arguments, ServedModel& served,
              Side side = Side::kItems);

  /// Whether neither ratings nor features say anything.
  bool empty() const { return ratings_.columns.empty() && !expected_; }

  /// As one row, and how many of them were merged into others.
  const CompressedRows& ratings() const { return ratings_; }
  std::size_t duplicates() const { return duplicates_; }

  /// The ids that were given, by their index and ascending, some twice: also those of weight 0.
  const std::vector<std::uint32_t>& given() const { return given_; }

  /// Those that count.
  const UninitializedVector<std::uint32_t>& items() const { return ratings_.columns; }

  /// The vector, and the bias, that an exact half-step of training would give to a row with these
  /// ratings and features. Without ratings, where the features expect it.
  FoldedRow fold_in(ServedModel& served) const;

 private:
  Side side_;
  std::vector<std::uint32_t> given_;
  CompressedRows ratings_;  // one row
  std::size_t duplicates_ = 0;
  std::optional<Factors> expected_;  // by the features; one row
};

}  // namespace als::pg
