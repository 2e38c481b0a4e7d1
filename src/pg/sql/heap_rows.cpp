// Reads the pages of tables without the executor.
#include "pg/sql/heap_rows.h"

namespace als::pg {

namespace {

/// A column of the result: one of the table, or the same for all rows.
struct Column {
  AttrNumber attribute;  ///< 0 for a constant
  Datum constant;
  bool is_null;
  // Where rows have it that are without nulls up to there.
  int offset;  ///< from the row's first byte; -1 where that depends on the row
  bool by_value;
  int16 length;
};

struct Columns {
  Column* all;
  int n;
  int last_attribute;  ///< the last that is read of a row
  bool have_offsets;
};

bool reads_all_rows(const Plan* plan) {
  if (!IsA(plan, SeqScan) || plan->qual != NIL || plan->initPlan != NIL || plan->parallel_aware)
    return false;
  ListCell* cell;
  foreach (cell, plan->targetlist) {
    const auto* target = lfirst_node(TargetEntry, cell);
    const bool is_column =
        IsA(target->expr, Var) && reinterpret_cast<const Var*>(target->expr)->varattno > 0;
    if (target->resjunk || !(is_column || IsA(target->expr, Const))) return false;
  }
  return true;
}

/// Partitions come as a plan that appends theirs.
bool reads_all_rows(const PlannedStmt* statement) {
  if (statement->subplans != NIL) return false;
  const Plan* plan = statement->planTree;
  if (!IsA(plan, Append)) return reads_all_rows(plan);
  if (plan->initPlan != NIL || plan->parallel_aware) return false;
  ListCell* cell;
  foreach (cell, reinterpret_cast<const Append*>(plan)->appendplans)
    if (!reads_all_rows(static_cast<const Plan*>(lfirst(cell)))) return false;
  return true;
}

/// Whether the table is a heap, with the columns that the plan takes for granted. The executor
/// looks at them row by row and says what is wrong.
bool can_be_read(const PlanState* scan) {
  Relation table = reinterpret_cast<const SeqScanState*>(scan)->ss.ss_currentRelation;
  if (table->rd_tableam != GetHeapamTableAmRoutine()) return false;
  ListCell* cell;
  foreach (cell, scan->plan->targetlist) {
    const Expr* expression = lfirst_node(TargetEntry, cell)->expr;
    if (!IsA(expression, Var)) continue;
    const auto* column = reinterpret_cast<const Var*>(expression);
    if (column->varattno > RelationGetNumberOfAttributes(table)) return false;
    Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column->varattno - 1);
    if (attribute->attisdropped || attribute->atttypid != column->vartype) return false;
  }
  return true;
}

/// The scans of an opened plan, or none where a table cannot be read.
struct Scans {
  PlanState** all;
  int n;
};

Scans scans_of(PlanState** plan) {
  Scans scans{plan, 1};
  if (IsA(*plan, AppendState)) {
    auto* append = reinterpret_cast<AppendState*>(*plan);
    if (append->as_prune_state != nullptr) return {nullptr, 0};
    scans = {append->appendplans, append->as_nplans};
  }
  for (int i = 0; i < scans.n; ++i)
    if (!can_be_read(scans.all[i])) return {nullptr, 0};
  return scans;
}

/// Where a row without nulls has a column, if columns of one length each lie before it.
int offset_of(TupleDesc table, AttrNumber attribute) {
  int offset = 0;
  for (int i = 0; i < attribute; ++i) {
    Form_pg_attribute column = TupleDescAttr(table, i);
    if (column->attlen <= 0) return -1;
    offset = static_cast<int>(att_align_nominal(offset, column->attalign));
    if (i + 1 < attribute) offset += column->attlen;
  }
  return offset;
}

Columns columns_of(const Plan* plan, TupleDesc table) {
  Columns columns{};
  columns.n = list_length(plan->targetlist);
  columns.all = static_cast<Column*>(palloc0(columns.n * sizeof(Column) + 1));
  columns.have_offsets = true;
  Column* column = columns.all;
  ListCell* cell;
  foreach (cell, plan->targetlist) {
    const Expr* expression = lfirst_node(TargetEntry, cell)->expr;
    if (IsA(expression, Const)) {
      const auto* constant = reinterpret_cast<const Const*>(expression);
      column->constant = constant->constvalue;
      column->is_null = constant->constisnull;
    } else {
      column->attribute = reinterpret_cast<const Var*>(expression)->varattno;
      Form_pg_attribute attribute = TupleDescAttr(table, column->attribute - 1);
      column->by_value = attribute->attbyval;
      column->length = attribute->attlen;
      column->offset = offset_of(table, column->attribute);
      columns.last_attribute = std::max<int>(columns.last_attribute, column->attribute);
      columns.have_offsets = columns.have_offsets && column->offset >= 0;
    }
    ++column;
  }
  return columns;
}

/// Whether a row has all of its first n columns, and none of them is null.
bool has_first(HeapTupleHeader row, int n) {
  if (HeapTupleHeaderGetNatts(row) < n) return false;
  if ((row->t_infomask & HEAP_HASNULL) == 0) return true;
  for (int i = 0; i < n; ++i)
    if (att_isnull(i, row->t_bits)) return false;
  return true;
}

class HeapReader {
 public:
  HeapReader(TupleDesc result, RowFunction on_row, void* state)
      : result_(MakeSingleTupleTableSlot(result, &TTSOpsVirtual)),
        row_context_(AllocSetContextCreate(CurrentMemoryContext, "als row", ALLOCSET_SMALL_SIZES)),
        on_row_(on_row),
        state_(state) {
    ExecStoreVirtualTuple(result_);
  }

  /// Returns the number of rows.
  uint64 read(PlanState* scan, Snapshot snapshot) {
    Relation table = reinterpret_cast<SeqScanState*>(scan)->ss.ss_currentRelation;
    const Columns columns = columns_of(scan->plan, RelationGetDescr(table));
    for (int c = 0; c < columns.n; ++c) put(c, columns.all[c].constant, columns.all[c].is_null);
    // To take a row apart that has no plain form.
    TupleTableSlot* row = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsHeapTuple);
    TableScanDesc pages = table_beginscan(table, snapshot, 0, nullptr);
    uint64 rows = 0;
    while (HeapTuple tuple = heap_getnext(pages, ForwardScanDirection)) {
      if (columns.have_offsets && has_first(tuple->t_data, columns.last_attribute))
        take_plain(columns, tuple->t_data);
      else
        take_apart(columns, ExecStoreHeapTuple(tuple, row, false));
      if (!row_context_->isReset || row_context_->firstchild != nullptr)
        MemoryContextReset(row_context_);
      MemoryContext old = MemoryContextSwitchTo(row_context_);
      on_row_(state_, result_);
      MemoryContextSwitchTo(old);
      ++rows;
    }
    table_endscan(pages);
    ExecDropSingleTupleTableSlot(row);
    return rows;
  }

  void end() {
    ExecDropSingleTupleTableSlot(result_);
    MemoryContextDelete(row_context_);
  }

 private:
  void put(int column, Datum value, bool is_null) {
    result_->tts_values[column] = value;
    result_->tts_isnull[column] = is_null;
  }

  void take_plain(const Columns& columns, HeapTupleHeader row) {
    const char* first = reinterpret_cast<const char*>(row) + row->t_hoff;
    for (int c = 0; c < columns.n; ++c) {
      const Column& column = columns.all[c];
      if (column.attribute > 0)
        put(c, fetch_att(first + column.offset, column.by_value, column.length), false);
    }
  }

  void take_apart(const Columns& columns, TupleTableSlot* row) {
    slot_getsomeattrs(row, columns.last_attribute);
    for (int c = 0; c < columns.n; ++c) {
      const int attribute = columns.all[c].attribute - 1;
      if (attribute >= 0) put(c, row->tts_values[attribute], row->tts_isnull[attribute]);
    }
  }

  TupleTableSlot* result_;
  MemoryContext row_context_;
  RowFunction on_row_;
  void* state_;
};

void start(Instrumentation* counters) {
  if (counters != nullptr) InstrStartNode(counters);
}

void stop(Instrumentation* counters, uint64 rows) {
  if (counters != nullptr) InstrStopNode(counters, static_cast<double>(rows));
}

/// Reads each scan, and returns the number of rows.
uint64 read_scans(HeapReader& reader, const Scans& scans, Snapshot snapshot) {
  uint64 rows = 0;
  for (int i = 0; i < scans.n; ++i) {
    start(scans.all[i]->instrument);
    const uint64 of_table = reader.read(scans.all[i], snapshot);
    stop(scans.all[i]->instrument, of_table);
    rows += of_table;
  }
  return rows;
}

/// The same as the portal's work. No function that is called meanwhile can close an active portal.
/// If the work fails, that must be said: the end of a transaction leaves portals to the session
/// that are active.
uint64 read_as_portal(Portal portal, HeapReader& reader, const Scans& scans, Snapshot snapshot) {
  uint64 rows = 0;
  MarkPortalActive(portal);
  PG_TRY();
  { rows = read_scans(reader, scans, snapshot); }
  PG_CATCH();
  {
    MarkPortalFailed(portal);
    PG_RE_THROW();
  }
  PG_END_TRY();
  portal->status = PORTAL_READY;
  return rows;
}

/// Reads all rows of an open portal, if that can be done without the executor. What the executor
/// tells others of its work, as it ends, they are told all the same.
bool read_tables(Portal portal, const std::vector<Oid>& types, RowFunction on_row, void* state) {
  QueryDesc* query = portal->queryDesc;
  if (!reads_all_rows(query->plannedstmt)) return false;
  const Scans scans = scans_of(&query->planstate);
  if (scans.n == 0) return false;
  check_columns(query->tupDesc, types);
  HeapReader reader(query->tupDesc, on_row, state);
  start(query->totaltime);
  if (query->planstate != *scans.all) start(query->planstate->instrument);
  const uint64 rows = read_as_portal(portal, reader, scans, query->snapshot);
  if (query->planstate != *scans.all) stop(query->planstate->instrument, rows);
  query->estate->es_processed += rows;
  stop(query->totaltime, rows);
  reader.end();
  return true;
}

bool is_worth_opening(SPIPlanPtr plan) {
  CachedPlan* planned = SPI_plan_get_cached_plan(plan);
  const bool is_worth = reads_all_rows(linitial_node(PlannedStmt, planned->stmt_list));
  release_unsaved_plan(planned);
  return is_worth;
}

}  // namespace

void stream_many_rows(SPIPlanPtr plan, const std::vector<Oid>& types, RowFunction on_row,
                      void* state) {
  const bool done = server([&] {
    // What it reads may change until it is opened, so that is looked at again.
    if (!is_worth_opening(plan)) return false;
    Portal portal = SPI_cursor_open_with_paramlist(nullptr, plan, nullptr, true);
    const bool could = read_tables(portal, types, on_row, state);
    SPI_cursor_close(portal);
    return could;
  });
  if (!done) stream_rows(plan, {}, types, on_row, state);
}

}  // namespace als::pg
