// "select (als.train(...)).*", and so of als.refresh: the server calls the function once a column.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The row that the same call has made for another column of this row of the query, if it has.
std::optional<Datum> row_made_for_another_column(FunctionCallInfo fcinfo);

/// Remembers a row for the calls of the other columns.
void keep_for_other_columns(FunctionCallInfo fcinfo, Datum row);

/// Runs `body`, which makes a row and changes the database, once for all columns of its row.
template <class Body>
Datum once_for_all_columns(FunctionCallInfo fcinfo, Body&& body) {
  if (const std::optional<Datum> made = row_made_for_another_column(fcinfo)) return *made;
  const Datum row = body();
  keep_for_other_columns(fcinfo, row);
  return row;
}

}  // namespace als::pg
