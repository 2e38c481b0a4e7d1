// Fills slots with recommendations, and hands them to the table some hundreds at a time.
#include "pg/batch/bulk_insert.h"

#include "pg/server/cluster_table.h"

namespace als::pg {

namespace {

constexpr int kSlots = 500;  // half of what COPY keeps

/// Stores the first n slots. A server call.
void store(Relation relation, TupleTableSlot** slots, int n, CommandId command,
           BulkInsertState bulk) {
  CHECK_FOR_INTERRUPTS();
  table_multi_insert(relation, slots, n, command, TABLE_INSERT_SKIP_FSM, bulk);
  for (int i = 0; i < n; ++i) ExecClearTuple(slots[i]);
}

void fill(TupleTableSlot* slot, const RecommendationFeed& feed, const Recommendation& row) {
  slot->tts_values[0] = feed.users->ids().id(row.user);
  slot->tts_values[1] = feed.items->ids().id(row.item);
  slot->tts_values[2] = Float4GetDatum(row.score);
  slot->tts_values[3] = Int32GetDatum(row.rank);
  std::fill_n(slot->tts_isnull, 4, false);
  ExecStoreVirtualTuple(slot);
}

}  // namespace

bool takes_rows_as_they_are(Oid table, const RecommendationFeed& rows) {
  return server([&] {
    Relation relation = table_open(table, AccessShareLock);
    const Oid types[] = {rows.users->type().oid, rows.items->type().oid, FLOAT4OID, INT4OID};
    const char* names[] = {"user_id", "item_id", "score", "rank"};
    TupleDesc descriptor = RelationGetDescr(relation);
    // Of a table that Citus has spread the rows are elsewhere.
    bool takes = relation->rd_rel->relkind == RELKIND_RELATION &&
                 cluster_table(table).spread == TableSpread::kNone &&
                 descriptor->natts == static_cast<int>(std::size(types)) &&
                 relation->trigdesc == nullptr && relation->rd_rules == nullptr &&
                 !relation->rd_rel->relrowsecurity && !relation->rd_rel->relhasindex &&
                 descriptor->constr != nullptr && descriptor->constr->num_check == 0;
    for (int i = 0; takes && i < descriptor->natts; ++i)
      takes = TupleDescAttr(descriptor, i)->atttypid == types[i] &&
              std::strcmp(NameStr(TupleDescAttr(descriptor, i)->attname), names[i]) == 0;
    table_close(relation, NoLock);
    return takes;
  });
}

void bulk_insert(Oid table, const RecommendationFeed& rows) {
  server([&] {
    Relation relation = table_open(table, RowExclusiveLock);
    const CommandId command = GetCurrentCommandId(true);
    BulkInsertState bulk = GetBulkInsertState();
    TupleTableSlot* slots[kSlots];
    for (TupleTableSlot*& slot : slots) slot = table_slot_create(relation, nullptr);
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "als rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext outer = MemoryContextSwitchTo(context);
    int n = 0;
    for (const Recommendation& row : rows.rows) {
      fill(slots[n++], rows, row);
      if (n < kSlots) continue;
      store(relation, slots, n, command, bulk);
      MemoryContextReset(context);
      n = 0;
    }
    if (n > 0) store(relation, slots, n, command, bulk);
    MemoryContextSwitchTo(outer);
    MemoryContextDelete(context);
    for (TupleTableSlot* slot : slots) ExecDropSingleTupleTableSlot(slot);
    FreeBulkInsertState(bulk);
    table_finish_bulk_insert(relation, TABLE_INSERT_SKIP_FSM);
    table_close(relation, NoLock);
    CommandCounterIncrement();  // the next batch, and the index, see these rows
  });
}

}  // namespace als::pg
