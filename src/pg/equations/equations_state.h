// The state of the aggregates, a bytea.
#pragma once

#include "core/fold_in/flat_equations.h"
#include "pg/server/args.h"
#include "pg/sql/bytea_value.h"

namespace als::pg {

bytea* new_equations(const FlatEquations::Shape& shape);

/// A copy of the argument.
bytea* equations_copy(FunctionCallInfo fcinfo, int index);

/// What a state holds. Throws 22P03 for bytes that are none.
FlatEquations open_equations(bytea* state);

/// Throws 2202E for vectors of different lengths, 22023 for sums that are of different things.
void check_same_shape(const FlatEquations::Shape& a, const FlatEquations::Shape& b);

}  // namespace als::pg
