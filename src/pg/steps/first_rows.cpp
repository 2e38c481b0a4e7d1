// als._first_rows: `table tablesample als._first_rows(n)` has the first n rows of a scan, which
// ends with them. A LIMIT says the same, but an engine that spreads tables over machines has it of
// all together, and a sample of what each machine has.

#include "pg/server/pg.h"

namespace als::pg {

namespace {

struct FirstRows {
  int64 n;
  BlockNumber next_block;
  OffsetNumber next_offset;
};

FirstRows* state_of(SampleScanState* scan) { return static_cast<FirstRows*>(scan->tsm_state); }

/// A constant n is known while the query is planned, but one row is what als reads.
void estimate(PlannerInfo*, RelOptInfo*, List*, BlockNumber* pages, double* rows) {
  *pages = 1;
  *rows = 1;
}

void init(SampleScanState* scan, int) { scan->tsm_state = palloc0(sizeof(FirstRows)); }

void begin(SampleScanState* scan, Datum* params, int, uint32) {
  // The server counts rows before it looks whether they meet a condition.
  if (scan->ss.ps.qual != nullptr)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("als._first_rows takes no condition, nor row-level security"),
                    errhint("Use LIMIT.")));
  *state_of(scan) = {DatumGetInt64(params[0]), 0, FirstOffsetNumber};
}

bool is_done(SampleScanState* scan) { return scan->donetuples >= state_of(scan)->n; }

BlockNumber next_block(SampleScanState* scan, BlockNumber blocks) {
  FirstRows& state = *state_of(scan);
  if (is_done(scan) || state.next_block >= blocks) return InvalidBlockNumber;
  state.next_offset = FirstOffsetNumber;
  return state.next_block++;
}

/// Rows that the snapshot does not see are passed over by the server, which asks again.
OffsetNumber next_row(SampleScanState* scan, BlockNumber, OffsetNumber last) {
  FirstRows& state = *state_of(scan);
  if (is_done(scan) || state.next_offset > last) return InvalidOffsetNumber;
  return state.next_offset++;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_first_rows)

/// als._first_rows(internal): tsm_handler
Datum als_first_rows(FunctionCallInfo) {
  using namespace als::pg;
  TsmRoutine* method = makeNode(TsmRoutine);
  method->parameterTypes = list_make1_oid(INT8OID);
  method->repeatable_across_scans = true;
  method->SampleScanGetSampleSize = estimate;
  method->InitSampleScan = init;
  method->BeginSampleScan = begin;
  method->NextSampleBlock = next_block;
  method->NextSampleTuple = next_row;
  PG_RETURN_POINTER(method);
}
