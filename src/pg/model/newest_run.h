// The newest row of a model table that nobody has named, and whose owner may be anybody.
//
// A query on it would run whatever its owner has put there: indexes on expressions, row-level
// security, views. So its rows are read as they lie in the table.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

struct NewestRun {
  bool found = false;
  Datum row = 0;                  ///< of type als.model
  const char* problem = nullptr;  ///< why the row cannot be read
};

/// Reads it under the active snapshot without running anything of its owner's and without waiting
/// for a lock. Whatever is wrong with the table is told, not thrown. `run_type` are the columns of
/// als.model; the result is in the current memory context.
NewestRun read_newest_run(Oid model, TupleDesc run_type);

}  // namespace als::pg
