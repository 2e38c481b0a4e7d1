// The way of rows from the engine's memory into an INSERT ... SELECT.
//
// A table is written with one statement over generate_series, in which SQL functions hand out row
// n, column by column. So all of the server's own machinery takes part (indexes, triggers,
// constraints, policies, columns that the user has added), nothing is kept twice, and the statement
// can be interrupted like any other.
#pragma once

#include "pg/ids/id_type.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Raises 55000: a function that hands out rows was called outside of `writer`.
[[noreturn]] void raise_nothing_written(const char* writer, const char* hint);

/// Raises 22023: there is no row n.
[[noreturn]] void raise_no_row(int64 n);

/// Makes rows the ones that the SQL functions hand out, while it lives. A type of rows has size(),
/// and says who writes them (kWriter) and where they are found afterwards (kHint).
template <class Rows>
class RowFeed {
 public:
  explicit RowFeed(const Rows* rows) : previous_(current_) { current_ = rows; }
  ~RowFeed() { current_ = previous_; }
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;

  /// The rows being written, which have a row n. A server call.
  static const Rows& with(int64 n) {
    if (current_ == nullptr) raise_nothing_written(Rows::kWriter, Rows::kHint);
    if (n < 0 || n >= static_cast<int64>(current_->size())) raise_no_row(n);
    return *current_;
  }

 private:
  inline static const Rows* current_ = nullptr;
  const Rows* previous_;
};

/// Returns an id from a function (n bigint, anyelement): anyelement. Raises 42804 if the call asks
/// for another type. A server call.
Datum hand_out_id(FunctionCallInfo fcinfo, const IdType& type, Datum id);

}  // namespace als::pg
