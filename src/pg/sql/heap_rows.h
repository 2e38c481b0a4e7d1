// Queries of very many rows.
#pragma once

#include "pg/sql/spi.h"

namespace als::pg {

/// Runs a plan of prepare() that has no parameters, as stream_rows() does, for rows by the million.
///
/// A plan that reads all rows of ordinary tables and does nothing else with them needs no executor
/// for each row. The server opens it as ever: that checks privileges, takes locks and tells the
/// hooks of others. Then the rows come from the tables' pages directly, under the same snapshot.
/// Any other plan is run by the executor: one with a condition, as row-level security adds it, with
/// a function, of a foreign table, or parallel.
void stream_many_rows(SPIPlanPtr plan, const std::vector<Oid>& types, RowFunction on_row,
                      void* state);

}  // namespace als::pg
