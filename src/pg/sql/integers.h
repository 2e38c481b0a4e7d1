// The types of arguments that are integers of any size: als.integer_id, als.integers.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The type of an argument's value: bigint where it is declared als.integer_id. A server call.
Oid argument_type(FunctionCallInfo fcinfo, int index);

/// Whether values of this type are arrays: also those of als.integers are. A server call.
bool is_array(Oid type);

/// The elements of an argument of type als.integers or int[]. Throws 22004 for a null, also among
/// them.
std::vector<std::int64_t> integers_arg(FunctionCallInfo fcinfo, int index, const char* name);

}  // namespace als::pg
