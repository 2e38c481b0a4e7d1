// How long what has been read of a factor table may be kept, and for whom.
#include "pg/cache/whole_factors.h"

#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

/// Whoever writes a table holds such a lock to the end of his transaction, or of the savepoint that
/// takes his changes back.
bool writes(Relation relation) { return CheckRelationLockedByMe(relation, RowExclusiveLock, true); }

bool writes(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const bool result = writes(relation);
  relation_close(relation, AccessShareLock);
  return result;
}

/// Whether whoever wrote this row of a catalog had committed when the snapshot was taken. The rest
/// of what that transaction did is visible then, too.
bool is_seen_by(Snapshot snapshot, HeapTuple row) {
  const TransactionId written = HeapTupleHeaderGetXmin(row->t_data);
  return !TransactionIdIsNormal(written) || TransactionIdIsCurrentTransactionId(written) ||
         !XidInMVCCSnapshot(written, snapshot);
}

/// Whether the snapshot sees the rows of a catalog that are about this table as they are now.
bool are_seen_by(Snapshot snapshot, Oid catalog, Oid index, AttrNumber column, Oid table) {
  return !find_in_catalog(catalog, index, {{column, table}},
                          [&](HeapTuple row, TupleDesc) { return !is_seen_by(snapshot, row); });
}

/// What decides about a table beside its rows.
struct TableState {
  bool is_plain = false;
  bool is_unlogged = false;
  Oid storage = InvalidOid;
  bool is_seen = false;  ///< by the active snapshot: it has not been rewritten since
};

TableState state_of(Oid table) {
  TableState state;
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return state;
  auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  state.is_plain = form->relkind == RELKIND_RELATION;
  state.is_unlogged = form->relpersistence == RELPERSISTENCE_UNLOGGED;
  state.storage = form->relfilenode;
  state.is_seen = is_seen_by(GetActiveSnapshot(), tuple);
  ReleaseSysCache(tuple);
  return state;
}

bool is_seen_as_it_is(const FactorTable& factors) {
  const TableState state = state_of(factors.table);
  return state.storage == factors.storage && state.is_seen &&
         are_seen_by(GetActiveSnapshot(), TriggerRelationId, TriggerRelidNameIndexId,
                     Anum_pg_trigger_tgrelid, factors.table);
}

/// After the initial copy, what a subscription applies is seen as a whole or not at all.
bool replication_is_seen(Oid table) {
  return are_seen_by(GetActiveSnapshot(), SubscriptionRelRelationId,
                     SubscriptionRelSrrelidSrsubidIndexId, Anum_pg_subscription_rel_srrelid, table);
}

bool has_no_blocks(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const bool result = RelationGetNumberOfBlocks(relation) == 0;
  relation_close(relation, AccessShareLock);
  return result;
}

bool has_visible_rows(Oid table) {
  SpiConnection spi;
  bool found = false;
  for_each_row(prepare("select from only " + locked_name(table) + " limit 1"), {}, {},
               [&](TupleTableSlot*) { found = true; });
  spi.finish();
  return found;
}

}  // namespace

bool writes_factors(const Model& model, Side side) {
  if (!TransactionIdIsValid(GetTopTransactionIdIfAny())) return false;
  return server([&] { return writes(model.factor_table(side)); });
}

Lifetime lifetime_of_rows(const Model& model, Side side) {
  if (!TransactionIdIsValid(GetTopTransactionIdIfAny())) return Lifetime::kVersion;
  // Which locks the transaction holds is known to the leader only.
  if (IsParallelWorker()) return Lifetime::kTransaction;
  return server([&] {
    Relation factors = try_relation_open(model.factor_table(side), AccessShareLock);
    if (factors == nullptr) return Lifetime::kSnapshot;
    const bool changed = writes(factors);
    // By a statement that has not ended, perhaps, and not given the rows a new version yet.
    const bool in_use = factors->rd_refcnt > 1;
    relation_close(factors, AccessShareLock);
    if (changed && in_use) return Lifetime::kSnapshot;
    return changed || writes(model.table) ? Lifetime::kTransaction : Lifetime::kVersion;
  });
}

bool are_whole(const Model& model, Side side, std::size_t rows) {
  const FactorTable& factors = model.factor_tables[side];
  const bool seen = server([&] {
    return is_seen_as_it_is(factors) && replication_is_seen(factors.table) &&
           replication_is_seen(model.table);
  });
  const bool has_trigger = factors.spread == TableSpread::kNone && changes_are_seen(model, side);
  return seen && (has_trigger || static_cast<std::int64_t>(rows) == model.n_rows(side));
}

void check_not_lost(const Model& model, Side side, std::size_t rows) {
  if (rows > 0 || model.n_rows(side) == 0 || writes_factors(model, side)) return;
  const TableState state = server([&] { return state_of(model.factor_table(side)); });
  const std::string message =
      format("the %s factors of model %s hold no rows, but its newest row says %lld",
             side_name(side), model.name.c_str(), static_cast<long long>(model.n_rows(side)));
  if (!state.is_seen)
    throw UserError(ERRCODE_T_R_SERIALIZATION_FAILURE, message,
                    "The table has been rewritten since this transaction's snapshot was taken: "
                    "try again in a new one.");
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message,
      state.is_unlogged
          ? "A crash of the server empties unlogged tables. Train the model again with "
            "als.train(..., replace => true)."
          : "If they are being restored or replicated, wait for the end of that; else train the "
            "model again with als.train(..., replace => true).");
}

void check_not_lost(const Model& model, Side side) {
  const Oid table = model.factor_table(side);
  const TableState state = server([&] { return state_of(table); });
  if (!state.is_plain) return;
  const bool is_elsewhere = model.factor_tables[side].spread != TableSpread::kNone &&
                            table == model.factor_tables[side].named;
  const bool is_empty = (!is_elsewhere && server([&] { return has_no_blocks(table); })) ||
                        ((is_elsewhere || !state.is_seen) && !has_visible_rows(table));
  if (is_empty) check_not_lost(model, side, 0);
}

}  // namespace als::pg
