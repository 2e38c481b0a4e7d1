// Reads the newest row of a model table as it lies there.
#include "pg/model/newest_run.h"

#include "pg/server/guard.h"

namespace als::pg {

namespace {

// Beyond these nothing is read that als has written: a table made to be looked at in vain.
constexpr BlockNumber kMaxBlocksWithoutIndex = 64 * 1024 * 1024 / BLCKSZ;
constexpr Size kMaxValueBytes = 1024 * 1024;

constexpr const char* kIsLocked = "it is locked by another session";

struct Search {
  Oid model;
  TupleDesc run_type;
  std::int64_t run = 0;
  NewestRun result{};
};

bool lock_without_waiting(Oid relation) {
  return ConditionalLockRelationOid(relation, AccessShareLock);
}

/// Reading a long value waits for these otherwise.
bool lock_long_values(Relation table) {
  const Oid toast = table->rd_rel->reltoastrelid;
  if (!OidIsValid(toast)) return true;
  if (!lock_without_waiting(toast)) return false;
  Relation relation = relation_open(toast, NoLock);
  bool locked = true;
  ListCell* index;
  foreach (index, RelationGetIndexList(relation))
    locked = locked && lock_without_waiting(lfirst_oid(index));
  relation_close(relation, NoLock);
  return locked;
}

/// The column with the name and type of one of als.model's, or InvalidAttrNumber.
AttrNumber column_like(TupleDesc columns, Form_pg_attribute wanted) {
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(columns, i);
    if (!column->attisdropped && column->atttypid == wanted->atttypid &&
        std::strcmp(NameStr(column->attname), NameStr(wanted->attname)) == 0)
      return column->attnum;
  }
  return InvalidAttrNumber;
}

AttrNumber run_column(TupleDesc columns, TupleDesc run_type) {
  for (int i = 0; i < run_type->natts; ++i)
    if (std::strcmp(NameStr(TupleDescAttr(run_type, i)->attname), "run") == 0)
      return column_like(columns, TupleDescAttr(run_type, i));
  return InvalidAttrNumber;
}

/// The primary key if it is on the column run, which no expression can be part of; else null.
Relation open_primary_key(Relation table, AttrNumber run) {
  list_free(RelationGetIndexList(table));  // looks the primary key up
  if (!OidIsValid(table->rd_pkindex) || !lock_without_waiting(table->rd_pkindex)) return nullptr;
  Relation index = index_open(table->rd_pkindex, NoLock);
  if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indnkeyatts == 1 &&
      index->rd_index->indkey.values[0] == run && !index->rd_index->indcheckxmin)
    return index;
  index_close(index, NoLock);
  return nullptr;
}

/// A copy of the row in the current memory context, all values in it; null for one too long.
bool copy_row(TupleTableSlot* slot, TupleDesc run_type, Datum* row) {
  auto* values = static_cast<Datum*>(palloc(run_type->natts * sizeof(Datum)));
  auto* nulls = static_cast<bool*>(palloc(run_type->natts * sizeof(bool)));
  for (int i = 0; i < run_type->natts; ++i) {
    Form_pg_attribute wanted = TupleDescAttr(run_type, i);
    const AttrNumber column = column_like(slot->tts_tupleDescriptor, wanted);
    nulls[i] = true;
    if (column != InvalidAttrNumber) values[i] = slot_getattr(slot, column, &nulls[i]);
    if (nulls[i] || wanted->attlen != -1) continue;
    if (toast_raw_datum_size(values[i]) > kMaxValueBytes) return false;
    values[i] = PointerGetDatum(PG_DETOAST_DATUM(values[i]));
  }
  *row = heap_copy_tuple_as_datum(heap_form_tuple(run_type, values, nulls), run_type);
  return true;
}

void look_at(TupleTableSlot* slot, AttrNumber column, Search& search) {
  bool is_null;
  const Datum value = slot_getattr(slot, column, &is_null);
  if (is_null) return;
  const std::int64_t run = DatumGetInt64(value);
  if (search.result.found && run <= search.run) return;
  if (!copy_row(slot, search.run_type, &search.result.row)) {
    search.result.problem = "its newest run has a value of more than 1 MB";
    return;
  }
  search.result.found = true;
  search.run = run;
}

void search_rows(Relation table, AttrNumber run, Search& search) {
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  if (Relation index = open_primary_key(table, run)) {
    IndexScanDesc scan = begin_index_scan(table, index, GetActiveSnapshot());
    if (index_getnext_slot(scan, BackwardScanDirection, slot)) look_at(slot, run, search);
    index_endscan(scan);
    index_close(index, NoLock);
  } else if (RelationGetNumberOfBlocks(table) > kMaxBlocksWithoutIndex) {
    search.result.problem = "it has no primary key on run, and is too large to be searched";
  } else {
    TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
    while (search.result.problem == nullptr &&
           table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
      CHECK_FOR_INTERRUPTS();
      look_at(slot, run, search);
    }
    table_endscan(scan);
  }
  ExecDropSingleTupleTableSlot(slot);
}

void search_table(Oid oid, Search& search) {
  if (!lock_without_waiting(oid)) {
    search.result.problem = kIsLocked;
    return;
  }
  Relation table = try_relation_open(oid, NoLock);
  if (table == nullptr) return;  // dropped meanwhile
  const AttrNumber run = run_column(RelationGetDescr(table), search.run_type);
  if (table->rd_rel->relkind != RELKIND_RELATION || run == InvalidAttrNumber)
    search.result.problem = "a part of it is not an ordinary table";
  else if (!lock_long_values(table))
    search.result.problem = kIsLocked;
  else
    search_rows(table, run, search);
  relation_close(table, NoLock);
}

void search_model(Search& search) {
  if (check_enable_rls(search.model, InvalidOid, true) == RLS_ENABLED) {
    search.result.problem = "row-level security applies to you";
    return;
  }
  if (get_rel_relkind(search.model) != RELKIND_PARTITIONED_TABLE) {
    search_table(search.model, search);
    return;
  }
  // The parent itself is not opened: that may evaluate the expressions of its key.
  if (!lock_without_waiting(search.model)) {
    search.result.problem = kIsLocked;
    return;
  }
  ListCell* part;
  foreach (part, find_all_inheritors(search.model, NoLock, nullptr)) {
    if (search.result.problem != nullptr) return;
    if (get_rel_relkind(lfirst_oid(part)) != RELKIND_PARTITIONED_TABLE)
      search_table(lfirst_oid(part), search);
  }
}

/// Whether an error is not the table's: that the query is cancelled, or must be run again.
bool concerns_query(const ErrorData& error) {
  return error.sqlerrcode == ERRCODE_QUERY_CANCELED ||
         ERRCODE_TO_CATEGORY(error.sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK;
}

}  // namespace

NewestRun read_newest_run(Oid model, TupleDesc run_type) {
  Search search{model, run_type};
  MemoryContext context = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  server([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
  });
  ErrorData* error = nullptr;
  try {
    server([&] { search_model(search); });
  } catch (const ServerError& raised) {
    error = raised.data;
  }
  server([&] {
    if (error == nullptr)
      ReleaseCurrentSubTransaction();
    else
      RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
  });
  if (error != nullptr) {
    if (concerns_query(*error)) throw ServerError(error);
    search.result.problem = error->message;
  }
  if (search.result.problem != nullptr) search.result.found = false;
  return search.result;
}

}  // namespace als::pg
