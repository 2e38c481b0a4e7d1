// Counts rows.
#include "pg/model/row_counts.h"

namespace als::pg {

std::int64_t count_rows(Oid table) {
  std::int64_t count = 0;
  SnapshotScope snapshot;
  for_each_row(prepare("select pg_catalog.count(*) from only " + relation_name(table)), {},
               {INT8OID},
               [&](TupleTableSlot* slot) { count = DatumGetInt64(slot->tts_values[0]); });
  snapshot.pop();
  return count;
}

}  // namespace als::pg
