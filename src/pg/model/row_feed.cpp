// What all functions that hand out rows have in common.
#include "pg/model/row_feed.h"

namespace als::pg {

void raise_nothing_written(const char* writer, const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("this function is for %s alone", writer), errhint("%s", hint)));
  pg_unreachable();
}

void raise_no_row(int64 n) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("there is no row " INT64_FORMAT " being written", n)));
  pg_unreachable();
}

Datum hand_out_id(FunctionCallInfo fcinfo, const IdType& type, Datum id) {
  if (get_fn_expr_rettype(fcinfo->flinfo) != type.oid)
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("the ids being written are of type %s", type.name)));
  return id;
}

}  // namespace als::pg
