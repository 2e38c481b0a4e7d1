// Whether a table that somebody has made can take the rows that als writes.
#pragma once

#include <vector>

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// A column that is written.
struct TargetColumn {
  const char* name;
  Oid type;
  std::string values;  ///< what is written there, in the plural, for messages
};

/// Throws 42809 unless the relation is a table, 42703 if it lacks a column, 42804 if one has a type
/// to which what is written does not cast implicitly, which loses nothing, by a function that the
/// caller trusts, and 23502 if another column cannot do without a value.
void check_takes(Oid table, const std::vector<TargetColumn>& columns);

/// Throws 42501 if row-level security may hide rows of a table from the caller, who could not
/// replace these or count on them.
void check_sees_all_rows(Oid table);

}  // namespace als::pg
