// From a row of a query to the result of a function.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The first row in SPI_tuptable, as a value of the function's result type in `context`.
inline Datum result_row(FunctionCallInfo fcinfo, MemoryContext context) {
  return server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    TupleDesc desc;
    if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
      elog(ERROR, "return type must be a row type");
    HeapTupleHeader row = SPI_returntuple(SPI_tuptable->vals[0], BlessTupleDesc(desc));
    MemoryContextSwitchTo(old);
    return HeapTupleHeaderGetDatum(row);
  });
}

}  // namespace als::pg
