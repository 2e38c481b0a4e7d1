// The items of a user whom training has not seen, and what they say about him.
#pragma once

#include "core/compressed_rows.h"
#include "core/fold_in.h"
#include "pg/model_cache.h"

namespace als::pg {

/// What a basket holds of items that the model knows.
class Basket {
 public:
  /// Reads the array arguments `items`, of any type that casts to the model's item ids, and
  /// `ratings`, which may be null where every item counts 1. Null and unknown ids are left out; an
  /// item that stands there twice is treated as in training. Throws 42804, 2202E for arrays of
  /// different lengths, 22004 or 22003 for ratings that are missing or not finite, 21000 for an
  /// item that stands there twice if training would refuse it.
  Basket(FunctionCallInfo fcinfo, int items, int ratings, ServedModel& served);

  bool empty() const { return ratings_.columns.empty(); }

  /// The items, by their index; ascending.
  const UninitializedVector<std::uint32_t>& items() const { return ratings_.columns; }

  /// The vector, and the bias, that the last half-step of training would have given to a user with
  /// these ratings.
  FoldedRow fold_in(ServedModel& served) const;

 private:
  CompressedRows ratings_;  // one row
};

}  // namespace als::pg
