// A column of a table or query by its name, and what is said where there is none.
#pragma once

#include "pg/sql/spi.h"

namespace als::pg {

/// Null where there is none.
const FormData_pg_attribute* column_named(const std::string& name, TupleDesc columns);

/// A sentence that names the columns there are.
std::string sentence_of_columns(TupleDesc columns);

/// Throws 42703 for a column named by this argument. Names that differ in case or quotes alone are
/// the usual slip, since SQL itself folds them: the hint then has the right one. `otherwise` ends
/// the hint.
[[noreturn]] void throw_missing_column(const std::string& what, const std::string& name,
                                       const char* argument, TupleDesc columns,
                                       const char* otherwise = "");

}  // namespace als::pg
