// Looks through the rows of a model table.
#include "pg/model/named_factors.h"

namespace als::pg {

namespace {

Datum column_of(TupleTableSlot* slot, const char* name, bool* is_null) {
  return slot_getattr(slot, get_attnum(slot->tts_tableOid, name), is_null);
}

Oid class_column_of(TupleTableSlot* slot, const char* name) {
  bool is_null;
  Datum value = column_of(slot, name, &is_null);
  return is_null ? InvalidOid : DatumGetObjectId(value);
}

void look_through(Relation table, NamedFactors& newest) {
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
    bool is_null;
    Datum run = column_of(slot, "run", &is_null);
    if (is_null || (newest.exists && DatumGetInt64(run) <= newest.run)) continue;
    newest = {true, DatumGetInt64(run), class_column_of(slot, "user_factors"),
              class_column_of(slot, "item_factors")};
  }
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
}

}  // namespace

NamedFactors named_factors(Oid model) {
  return server([&] {
    NamedFactors newest;
    LockRelationOid(model, AccessShareLock);
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model))) return newest;
    // The table, and its partitions where it has some.
    List* tables = find_all_inheritors(model, AccessShareLock, nullptr);
    ListCell* cell;
    foreach (cell, tables) {
      Relation table = table_open(lfirst_oid(cell), NoLock);
      if (table->rd_rel->relkind == RELKIND_RELATION) look_through(table, newest);
      table_close(table, NoLock);
    }
    return newest;
  });
}

}  // namespace als::pg
