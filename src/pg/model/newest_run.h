// The newest row of a model table, read as it lies in the table.
//
// Where its owner may be anybody, a query on it would run whatever they have put there: indexes on
// expressions, row-level security, views.
#pragma once

#include "pg/model/model.h"

namespace als::pg {

/// How to go about a model table.
enum class Reading {
  kNeverWaiting,  ///< nobody has named it: of what the caller may see, or not at all
  kWaiting,       ///< its row decides what may be done to tables: whoever may see it
};

struct NewestRun {
  bool found = false;
  std::int64_t run = 0;
  Datum* values = nullptr;  ///< of the columns asked for
  bool* nulls = nullptr;
  const char* problem = nullptr;  ///< why the row cannot be read
};

/// Reads these columns of it under the active snapshot without running anything of its owner's;
/// those that the table does not have are null. The result is in the current memory context.
/// Without waiting, whatever is wrong with the table is told, not thrown.
NewestRun read_newest_run(Oid model, TupleDesc columns, Reading reading);

/// What the newest row of a model table names.
struct NamedFactors {
  bool exists = false;
  std::int64_t run = 0;
  BySide<Oid> tables;  ///< InvalidOid where none is named

  bool names(Oid table) const { return tables.users == table || tables.items == table; }
};

/// The factor tables of the newest row that the active snapshot holds, whoever may see it. None if
/// the model table has been dropped meanwhile. Waits for locks.
NamedFactors named_factors(Oid model);

struct NamedColumn {
  const char* name;
  Oid type;
};

/// A copy of some columns of a row.
struct CopiedRow {
  Datum* values = nullptr;
  bool* nulls = nullptr;
};

/// Copies columns of the newest row for a caller who has named the model: a session's first query
/// takes a millisecond for as much. Nothing where more than the run and the privilege to read the
/// table decides what the caller sees, or there is no such row: a query tells.
std::optional<CopiedRow> copy_newest_row(Oid model, const std::vector<NamedColumn>& columns);

}  // namespace als::pg
