// The types of arguments that are integers of any size: als.integer_id, als.integers.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The type of an argument's value: bigint where it is declared als.integer_id. A server call.
Oid argument_type(FunctionCallInfo fcinfo, int index);

/// The type of the elements of an array of this type, also of als.integers, whose values are arrays
/// of any integers; InvalidOid if it is no array. A server call.
Oid element_type(Oid type, Datum array);

/// The elements of an argument of type als.integers or int[]. Throws 22004 for a null, also among
/// them.
std::vector<std::int64_t> integers_arg(FunctionCallInfo fcinfo, int index, const char* name);

}  // namespace als::pg
