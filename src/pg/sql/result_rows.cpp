// Sets up what a function returns.
#include "pg/sql/result_rows.h"

namespace als::pg {

ResultRows::ResultRows(FunctionCallInfo fcinfo) {
  server([&] { init_materialized_srf(fcinfo); });
  result_ = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
}

Datum result_row(FunctionCallInfo fcinfo, MemoryContext context) {
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
