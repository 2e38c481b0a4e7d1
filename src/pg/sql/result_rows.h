// What a function returns: rows one by one, or one row.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The rows of a set-returning function.
class ResultRows {
 public:
  /// Sets the result up. Throws 0A000 where the query cannot take a set.
  explicit ResultRows(FunctionCallInfo fcinfo);

  Oid column_type(int column) const { return TupleDescAttr(result_->setDesc, column)->atttypid; }

  /// Adds a row. A server call.
  template <std::size_t N>
  void put(const Datum (&values)[N], const bool (&nulls)[N]) {
    tuplestore_putvalues(result_->setResult, result_->setDesc, const_cast<Datum*>(values),
                         const_cast<bool*>(nulls));
  }

 private:
  ReturnSetInfo* result_;
};

/// The first row in SPI_tuptable, as a value of the function's result type in `context`.
Datum result_row(FunctionCallInfo fcinfo, MemoryContext context);

}  // namespace als::pg
