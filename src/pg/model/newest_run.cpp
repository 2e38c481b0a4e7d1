// Reads the newest row of a model table as it lies there.
#include "pg/model/newest_run.h"

#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

// Beyond these nothing is read that als has written: a table made to be looked at in vain.
constexpr BlockNumber kMaxBlocksWithoutIndex = 64 * 1024 * 1024 / BLCKSZ;
constexpr Size kMaxValueBytes = 1024 * 1024;

constexpr const char* kIsLocked = "it is locked by another session";

struct Search {
  Oid model;
  TupleDesc columns;
  Reading reading;
  NewestRun result{};

  bool waits() const { return reading == Reading::kWaiting; }
};

bool lock(Oid relation, const Search& search) {
  if (!search.waits()) return ConditionalLockRelationOid(relation, AccessShareLock);
  LockRelationOid(relation, AccessShareLock);
  return true;
}

/// Reading a long value waits for these otherwise.
bool lock_long_values(Relation table, const Search& search) {
  const Oid toast = table->rd_rel->reltoastrelid;
  if (search.waits() || !OidIsValid(toast)) return true;
  if (!lock(toast, search)) return false;
  Relation relation = relation_open(toast, NoLock);
  bool locked = true;
  ListCell* index;
  foreach (index, RelationGetIndexList(relation))
    locked = locked && lock(lfirst_oid(index), search);
  relation_close(relation, NoLock);
  return locked;
}

AttrNumber column_like(TupleDesc columns, const char* name, Oid type) {
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(columns, i);
    if (!column->attisdropped && column->atttypid == type &&
        std::strcmp(NameStr(column->attname), name) == 0)
      return column->attnum;
  }
  return InvalidAttrNumber;
}

/// The primary key if it is on the column run, which no expression can be part of; else null.
Relation open_primary_key(Relation table, AttrNumber run, const Search& search) {
  list_free(RelationGetIndexList(table));  // looks the primary key up
  // To lock it is to hear of what others have committed, after which the table's entry may have
  // been read anew, without this.
  const Oid key = table->rd_pkindex;
  if (!OidIsValid(key) || !lock(key, search)) return nullptr;
  Relation index = index_open(key, NoLock);
  if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indnkeyatts == 1 &&
      index->rd_index->indkey.values[0] == run && !index->rd_index->indcheckxmin)
    return index;
  index_close(index, NoLock);
  return nullptr;
}

/// Copies the row's values into the current memory context; false for one too long.
bool copy_row(TupleTableSlot* slot, TupleDesc wanted_columns, NewestRun& to) {
  const int n = wanted_columns->natts;
  to.values = static_cast<Datum*>(palloc0(n * sizeof(Datum)));
  to.nulls = static_cast<bool*>(palloc(n * sizeof(bool)));
  for (int i = 0; i < n; ++i) {
    Form_pg_attribute wanted = TupleDescAttr(wanted_columns, i);
    const AttrNumber column =
        column_like(slot->tts_tupleDescriptor, NameStr(wanted->attname), wanted->atttypid);
    to.nulls[i] = true;
    if (column == InvalidAttrNumber) continue;
    const Datum value = slot_getattr(slot, column, &to.nulls[i]);
    if (to.nulls[i]) continue;
    if (wanted->attlen != -1) {
      to.values[i] = datumCopy(value, wanted->attbyval, wanted->attlen);
      continue;
    }
    if (toast_raw_datum_size(value) > kMaxValueBytes) return false;
    to.values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
  }
  return true;
}

void look_at(TupleTableSlot* slot, AttrNumber column, Search& search) {
  NewestRun& result = search.result;
  bool is_null;
  const Datum value = slot_getattr(slot, column, &is_null);
  if (is_null) return;
  const std::int64_t run = DatumGetInt64(value);
  if (result.found && run <= result.run) return;
  if (!copy_row(slot, search.columns, result)) {
    result.problem = "its newest run has a value of more than 1 MB";
    return;
  }
  result.found = true;
  result.run = run;
}

void search_rows(Relation table, AttrNumber run, Search& search) {
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  if (Relation index = open_primary_key(table, run, search)) {
    IndexScanDesc scan = begin_index_scan(table, index, GetActiveSnapshot());
    if (index_getnext_slot(scan, BackwardScanDirection, slot)) look_at(slot, run, search);
    index_endscan(scan);
    index_close(index, NoLock);
  } else if (!search.waits() && RelationGetNumberOfBlocks(table) > kMaxBlocksWithoutIndex) {
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
  if (!lock(oid, search)) {
    search.result.problem = kIsLocked;
    return;
  }
  Relation table = try_relation_open(oid, NoLock);
  if (table == nullptr) return;  // dropped meanwhile
  const AttrNumber run = column_like(RelationGetDescr(table), "run", INT8OID);
  if (table->rd_rel->relkind != RELKIND_RELATION || run == InvalidAttrNumber) {
    if (!search.waits()) search.result.problem = "a part of it is not an ordinary table";
  } else if (!lock_long_values(table, search)) {
    search.result.problem = kIsLocked;
  } else {
    search_rows(table, run, search);
  }
  relation_close(table, NoLock);
}

void search_model(Search& search) {
  if (!search.waits() && check_enable_rls(search.model, InvalidOid, true) == RLS_ENABLED) {
    search.result.problem = "row-level security applies to you";
    return;
  }
  if (get_rel_relkind(search.model) != RELKIND_PARTITIONED_TABLE) {
    search_table(cluster_table(search.model).here, search);
    return;
  }
  // The parent itself is not opened: that may evaluate the expressions of its key.
  if (!lock(search.model, search)) {
    search.result.problem = kIsLocked;
    return;
  }
  const LOCKMODE parts_lock = search.waits() ? AccessShareLock : NoLock;
  ListCell* part;
  foreach (part, find_all_inheritors(search.model, parts_lock, nullptr)) {
    if (search.result.problem != nullptr) return;
    if (get_rel_relkind(lfirst_oid(part)) != RELKIND_PARTITIONED_TABLE)
      search_table(lfirst_oid(part), search);
  }
}

/// Whatever is wrong becomes the problem of the result.
void search_carefully(Search& search) {
  Subtransaction subtransaction;
  try {
    server([&] { search_model(search); });
    subtransaction.keep();
  } catch (const ServerError& error) {
    subtransaction.undo();
    if (ends_call(error)) throw;
    search.result.problem = error.data->message;
  }
}

/// By its oid, or by its name.
Oid class_value(const NewestRun& run, int oid, int name) {
  if (!run.nulls[name]) return server([&] { return table_of_name(run.values[name]); });
  return run.nulls[oid] ? InvalidOid : DatumGetObjectId(run.values[oid]);
}

// A table of so few blocks is read as a whole: its primary key takes no less time, and the first
// time in a session more.
constexpr BlockNumber kShort = 4;

/// Reads a whole table whose runs are not null. If several rows have the largest, none is visited:
/// then a query is asked.
template <class Visit>
void visit_newest_of_all(Relation table, AttrNumber run, const Visit& visit) {
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  TupleTableSlot* newest = table_slot_create(table, nullptr);
  std::int64_t largest = 0;
  bool is_only_one = false;
  TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
    bool is_null;
    const std::int64_t found = DatumGetInt64(slot_getattr(slot, run, &is_null));
    if (!TupIsNull(newest) && found < largest) continue;
    is_only_one = TupIsNull(newest) || found > largest;
    largest = found;
    ExecCopySlot(newest, slot);
  }
  if (is_only_one) visit(newest);
  table_endscan(scan);
  ExecDropSingleTupleTableSlot(newest);
  ExecDropSingleTupleTableSlot(slot);
}

/// Visits none where the primary key is not on the run.
template <class Visit>
void visit_newest_by_key(Relation table, AttrNumber run, const Visit& visit) {
  list_free(RelationGetIndexList(table));  // looks the primary key up
  if (!OidIsValid(table->rd_pkindex)) return;
  Relation index = index_open(table->rd_pkindex, AccessShareLock);
  if (index->rd_index->indnkeyatts == 1 && !index->rd_index->indcheckxmin &&
      index->rd_index->indkey.values[0] == run) {
    IndexScanDesc scan = begin_index_scan(table, index, GetActiveSnapshot());
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    if (index_getnext_slot(scan, BackwardScanDirection, slot)) visit(slot);
    ExecDropSingleTupleTableSlot(slot);
    index_endscan(scan);
  }
  index_close(index, NoLock);
}

/// Visits the row with the largest run, if the caller sees one, where nothing but that and the
/// privilege to read the table decides which that is. Inside, the server may be called.
template <class Visit>
void visit_newest_row(Oid model, const Visit& visit) {
  server([&] {
    if (pg_class_aclcheck(model, GetUserId(), ACL_SELECT) != ACLCHECK_OK) return;
    Relation relation = try_relation_open(cluster_table(model).here, AccessShareLock);
    if (relation == nullptr) return;  // dropped by now
    const AttrNumber run = column_like(RelationGetDescr(relation), "run", INT8OID);
    const bool is_plain = relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
                          !relation->rd_rel->relrowsecurity && !relation->rd_rel->relhassubclass;
    if (is_plain && run != InvalidAttrNumber &&
        TupleDescAttr(RelationGetDescr(relation), run - 1)->attnotnull &&
        RelationGetNumberOfBlocks(relation) <= kShort)
      visit_newest_of_all(relation, run, visit);
    else if (is_plain)
      visit_newest_by_key(relation, run, visit);
    relation_close(relation, NoLock);
  });
}

}  // namespace

NewestRun read_newest_run(Oid model, TupleDesc columns, Reading reading) {
  Search search{model, columns, reading};
  if (search.waits())
    server([&] { search_model(search); });
  else
    search_carefully(search);
  if (search.result.problem != nullptr) search.result.found = false;
  return search.result;
}

NamedFactors named_factors(Oid model) {
  TupleDesc columns = server([] {
    TupleDesc wanted = CreateTemplateTupleDesc(4);
    TupleDescInitEntry(wanted, 1, "user_factors", REGCLASSOID, -1, 0);
    TupleDescInitEntry(wanted, 2, "item_factors", REGCLASSOID, -1, 0);
    TupleDescInitEntry(wanted, 3, "user_table", TEXTOID, -1, 0);
    TupleDescInitEntry(wanted, 4, "item_table", TEXTOID, -1, 0);
    return wanted;
  });
  const NewestRun newest = read_newest_run(model, columns, Reading::kWaiting);
  if (!newest.found) return {};
  return {true, newest.run, {class_value(newest, 0, 2), class_value(newest, 1, 3)}};
}

RowVersion newest_row(Oid model) {
  RowVersion place{};
  visit_newest_row(model, [&](TupleTableSlot* slot) {
    bool is_null;
    place.tid = slot->tts_tid;
    place.xmin =
        DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null));
  });
  return place;
}

std::optional<CopiedRow> copy_newest_row(Oid model, const std::vector<NamedColumn>& columns) {
  std::optional<CopiedRow> row;
  visit_newest_row(model, [&](TupleTableSlot* slot) {
    CopiedRow copy{static_cast<Datum*>(palloc(columns.size() * sizeof(Datum))),
                   static_cast<bool*>(palloc(columns.size() * sizeof(bool)))};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const AttrNumber number =
          column_like(slot->tts_tupleDescriptor, columns[i].name, columns[i].type);
      if (number == InvalidAttrNumber) return;
      const Datum value = slot_getattr(slot, number, &copy.nulls[i]);
      Form_pg_attribute column = TupleDescAttr(slot->tts_tupleDescriptor, number - 1);
      if (!copy.nulls[i])
        copy.values[i] = column->attlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value))
                                              : datumCopy(value, column->attbyval, column->attlen);
    }
    row = copy;
  });
  return row;
}

}  // namespace als::pg
