// Makes the tables of a model, locks them, and writes factors.
#include "pg/model/model_writer.h"

#include "pg/model/claims.h"
#include "pg/model/factor_table.h"
#include "pg/model/newest_run.h"
#include "pg/model/ownership.h"
#include "pg/model/row_feed.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/server/short_lived_resources.h"
#include "pg/sql/flushed_abort.h"
#include "pg/sql/installed_version.h"
#include "pg/sql/params.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

namespace {
/// Its rows are then read without a plan, which would have seen to this.
void check_readable(Oid model) {
  server([&] {
    if (pg_class_aclcheck(model, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
      aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(model));
  });
}

/// ALTER TABLE refuses a table that a statement of this session is using. A server call.
bool can_be_altered(Oid table) {
  Relation relation = table_open(table, NoLock);
  const bool idle = relation->rd_refcnt == 1 && !AfterTriggerPendingOnRel(table);
  table_close(relation, NoLock);
  return idle;
}

std::string name_of_model(Oid model) {
  std::string name = relation_name(model);
  if (name.empty())
    throw UserError(ERRCODE_UNDEFINED_TABLE, "the model has been dropped meanwhile",
                    "als.models lists those that there are.");
  return name;
}

}  // namespace

ModelWriter::ModelWriter(Oid model) : ModelWriter(name_of_model(model)) {}

void ModelWriter::lock(bool replace, Oid source) {
  check_installed_version();
  // Not for ever: where this transaction has changed the source, and somebody else waits for it,
  // the server gives no other lock of it at once.
  constexpr int kTries = 10;
  for (int tries = 1; !try_lock(replace, tries < kTries ? source : InvalidOid); ++tries) {
    // Whoever has it, as to load it anew, may come to the model next.
    ShortLivedResources locks;
    server([&] { LockRelationOid(source, AccessShareLock); });
    locks.release();
  }
  for (Side side : {Side::kUsers, Side::kItems})
    if (OidIsValid(factor_table(side))) mend_table(factor_table(side));
}

/// Waits for the model, but not with it for its source: returns whether that is to be had at once.
bool ModelWriter::try_lock(bool replace, Oid source) {
  ShortLivedResources locks;
  factor_tables_ = {};
  newest_run_ = 0;
  table_ = target_table_.lock();
  if (OidIsValid(table_)) {
    check_may_be_written(replace);
    lock_tables();
  }
  const bool has_source = !OidIsValid(source) || server([&] {
    return ConditionalLockRelationOid(source, AccessShareLock);
  });
  if (has_source)
    locks.keep();
  else
    locks.release();
  return has_source;
}

void ModelWriter::check_may_be_written(bool replace) const {
  if (!replace)
    throw UserError(ERRCODE_DUPLICATE_TABLE,
                    format("relation \"%s\" already exists", target_table_.relation().c_str()),
                    server([&] { return is_model(table_); })
                        ? "Use replace => true to give an existing model a new run."
                        : "It is not a model: give the model another name, or name its schema.");
  check_is_model(table_);
  check_readable(table_);
}

void ModelWriter::lock_model(Oid model, Oid source) {
  lock(true, source);
  check_has_name(model);
}

void ModelWriter::check_has_name(Oid model) const {
  if (target_table_.find() != model)
    throw UserError(ERRCODE_UNDEFINED_TABLE,
                    format("model \"%s\" has been renamed or dropped meanwhile",
                           target_table_.relation().c_str()),
                    "Try again.");
}

void ModelWriter::lock_unchanged(bool replace, Oid source) {
  const Oid table = table_;
  const std::int64_t run = newest_run_;
  const char* what = nullptr;
  if (OidIsValid(table) && target_table_.find() != table) {
    what = "dropped or renamed";
  } else {
    lock(replace, source);
    if (table_ != table)
      what = OidIsValid(table) ? "dropped or renamed" : "made by somebody else";
    else if (newest_run_ != run)
      what = "given or deprived of another run";
  }
  if (what == nullptr) return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("model \"%s\" was %s while it was trained", target_table_.relation().c_str(), what),
      "Nothing was written. Train again.");
}

void ModelWriter::claim_turn() const {
  if (target_table_.try_turn()) return;
  throw UserError(ERRCODE_OBJECT_IN_USE,
                  format("a training in steps is at work on model %s", qualified_name().c_str()),
                  "Wait for its end, which als.progress estimates, or cancel it.");
}

/// A dump keeps neither the record of a factor table nor, where it went wrong, the row that names
/// it. One that has the name that als would give it now, belongs to the model's owner, bears our
/// trigger and is claimed by no model can be nobody else's.
Oid ModelWriter::find_unclaimed_table(Side side) const {
  const Oid table = server([&] {
    const char* name = makeObjectName(target_table_.relation().c_str(), side_name(side), "factors");
    return get_relname_relid(name, target_table_.schema());
  });
  if (!OidIsValid(table) || !is_provably_of(table_, table, side)) return InvalidOid;
  const Claims claims = claims_on(table);
  return !OidIsValid(claims.recorded) && claims.claims.empty() ? table : InvalidOid;
}

/// The table that the newest run names, or one that the model had before its rows were deleted. A
/// newest run that names a copy was not the newest when it was kept.
Oid ModelWriter::find_factor_table(Side side, Oid named) const {
  if (relation_name(named).empty()) {
    const Oid recorded = server([&] { return recorded_factors(table_, side); });
    return OidIsValid(recorded) ? recorded : find_unclaimed_table(side);
  }
  check_is_provably_of(table_, named, side);
  if (!server([&] { return is_kept_copy(table_, named, side); })) return named;
  const Oid watched = server([&] { return recorded_factors(table_, side); });
  return OidIsValid(watched) ? watched : named;
}

void ModelWriter::find_factor_tables() {
  SnapshotScope snapshot;
  const NamedFactors newest = named_factors(table_);
  newest_run_ = newest.exists ? newest.run : 0;
  for (Side side : {Side::kUsers, Side::kItems})
    factor_tables_[side] = find_factor_table(side, newest.tables[side]);
  snapshot.pop();
}

/// A transaction that keeps to one snapshot would write beside rows that it does not see, and take
/// ratings for refreshed or trained that are not.
void ModelWriter::check_sees_last_write() const {
  if (!IsolationUsesXactSnapshot()) return;
  SnapshotScope snapshot;
  const RowVersion seen = newest_row(table_);
  snapshot.pop();
  server([] { PushActiveSnapshot(GetLatestSnapshot()); });
  const RowVersion last = newest_row(table_);
  snapshot.pop();
  if (seen == last) return;
  throw UserError(
      ERRCODE_T_R_SERIALIZATION_FAILURE,
      format("model %s has been written since this transaction began", qualified_name().c_str()),
      "Try again in a new transaction.");
}

/// With a comma after each.
std::string ModelWriter::names_of_factor_tables() const {
  std::string names;
  for (Side side : {Side::kUsers, Side::kItems})
    if (OidIsValid(factor_table(side))) names += relation_name(factor_table(side)) + ", ";
  return names;
}

/// Readers go on undisturbed; anyone else who would change the model's rows waits. The factor
/// tables come first, as in a statement that changes them and whose trigger then updates the model
/// row.
void ModelWriter::lock_tables() {
  // Whoever has the factors may want to drop the model's table: who waits for them must not have
  // it.
  ShortLivedResources locks;
  find_factor_tables();
  locks.release();
  const std::string factors = names_of_factor_tables();
  lock_tables_on_nodes("lock table only " + factors + qualified_name() +
                       " in share row exclusive mode");
  // Names are other tables' if these were renamed meanwhile. From now on they cannot be.
  find_factor_tables();
  if (target_table_.find() != table_ || factors != names_of_factor_tables())
    throw UserError(ERRCODE_T_R_SERIALIZATION_FAILURE,
                    format("model %s has changed meanwhile", qualified_name().c_str()),
                    "Try again.");
  check_sees_last_write();
}

/// What a dump does not keep, or an older version of als has not made, is made anew as soon as
/// somebody comes who may.
void ModelWriter::mend_table(Oid factors) {
  const char* trigger = server([&]() -> const char* {
    if (!owns_relation(factors) || cluster_table(factors).spread != TableSpread::kNone)
      return nullptr;
    if (!OidIsValid(recorded_model(factors))) record_model(factors, table_);
    return can_be_altered(factors) ? trigger_for_some_sessions(factors) : nullptr;
  });
  if (trigger != nullptr)
    execute("alter table " + relation_name(factors) + " enable always trigger " + quoted(trigger));
}

void ModelWriter::create_model_table() {
  execute("create table " + qualified_name() + " of als.model (run primary key)");
  table_ = target_table_.find_made();
}

Oid ModelWriter::create_factor_table(Side side, const char* label, const CollatedType& type,
                                     bool unlogged) {
  // taste_user_factors, shortened or numbered as the server does with names that it makes up. (The
  // model row says which tables are the model's, not their names.)
  Oid schema = target_table_.schema();
  const char* name = server([&] {
    return ChooseRelationName(target_table_.relation().c_str(), side_name(side), label, schema,
                              false);
  });
  std::string table =
      server([&] { return quote_qualified_identifier(get_namespace_name(schema), name); });
  std::string id_type = server([&] { return column_type(type); });
  bool temporary = server([&] { return isAnyTempNamespace(schema); });  // never logged anyway
  std::string later;
  for (const LaterColumn& column : later_columns(side))
    later += std::string(", ") + column.name + " " + column.type_name;
  create_table(table,
               std::string(id_column(side)) + " " + id_type +
                   " primary key, factors real[] not null, bias real, n_ratings int" + later,
               unlogged && !temporary);
  // Vectors kept in the row, uncompressed, read several times faster; they fit a page.
  if (kMaxFactors * sizeof(float4) + 3000 < BLCKSZ)
    execute("alter table " + table + " alter factors set storage plain");
  const Oid created = server([&] { return get_relname_relid(name, schema); });
  const char* model_owner = server([&]() -> const char* {
    const Oid owner = owner_of(table_);
    return owner == owner_of(created) ? nullptr : GetUserNameFromId(owner, false);
  });
  if (model_owner != nullptr) execute("alter table " + table + " owner to " + quoted(model_owner));
  return created;
}

/// Whoever changes the rows by hand gives the model a new version, see als.factors_changed().
void ModelWriter::watch_factor_table(Oid factors, const char* trigger) {
  const std::string table = relation_name(factors);
  execute(std::string("create trigger ") + trigger +
          " after insert or update or delete or truncate on " + table +
          " for each statement execute function als.factors_changed()");
  // A session that replicates or restores changes rows like any other.
  execute("alter table " + table + " enable always trigger " + trigger);
}

CollatedType ModelWriter::id_type(Side side) const {
  return server([&] { return column_type_of(factor_table(side), id_column(side)); });
}

bool ModelWriter::has_ids_of(Side side, const CollatedType& type) const {
  const CollatedType there = id_type(side);
  return there.type == type.type &&
         server([&] { return hold_same_equal(there.collation, type.collation); });
}

void ModelWriter::check_factor_table(Side side, const IdType& type, bool unlogged,
                                     bool replace_ids) const {
  if (!has_ids_of(side, type.collated())) {
    const CollatedType there = id_type(side);
    const bool is_there = OidIsValid(there.type);
    if (!is_there || !(replace_ids || server([&] { return is_widened(there, type.collated()); })))
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("%s ids of the source are %s, but those of model %s are %s", side_name(side),
                 server([&] { return type_name(type.collated()); }), qualified_name().c_str(),
                 is_there ? server([&] { return type_name(there); }) : "missing"),
          "Cast the column in a source query, or say replace_ids => true if the "
          "model is to have such ids from now on.");
    check_id_column_can_change(side);
  }
  char persistence = server([&] { return get_rel_persistence(factor_table(side)); });
  if (unlogged && persistence == RELPERSISTENCE_PERMANENT)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the factor tables of model %s are logged", qualified_name().c_str()),
                    "Retraining keeps the tables as they are: use ALTER TABLE ... SET UNLOGGED.");
}

void ModelWriter::check_sees_all() const {
  for (Oid table : {table_, factor_tables_.users, factor_tables_.items})
    if (OidIsValid(table)) check_sees_all_rows(table);
}

void ModelWriter::prepare_tables(const BySide<const IdType*>& id_types, bool unlogged,
                                 bool replace_ids, Oid by_user_of) {
  check_sees_all();
  if (!OidIsValid(table_)) {
    if (OidIsValid(by_user_of))
      create_model_table_on_all_nodes();
    else
      create_model_table();
  }
  for (Side side : {Side::kUsers, Side::kItems}) {
    const IdType& type = *id_types[side];
    Oid& table = factor_tables_[side];
    if (OidIsValid(table)) {
      check_is_not_attached(table);
      check_factor_table(side, type, unlogged, replace_ids);
    } else {
      table = create_factor_table(side, "factors", type.collated(), unlogged);
      if (is_spread())
        spread_factor_table(side, table, by_user_of);
      else
        watch_factor_table(table, kVersionTrigger);
      server([&] { record_model(table, table_); });
    }
  }
}

std::uint64_t ModelWriter::insert_factors(Side side, const FactorFeed& rows, IfThere if_there) {
  check_within_limits(*rows.factors);
  RowFeed<FactorFeed> scope(&rows);
  std::string columns = id_column(side);
  std::string values = "als._trained_id(n, $1)";
  std::string updates;
  const auto add = [&](const std::string& column) {
    columns += ", " + column;
    values += ", als._trained_" + column + "(n)";
    updates += (updates.empty() ? "" : ", ") + column + " = excluded." + column;
  };
  for (const char* column : {"factors", "bias", "n_ratings"}) add(column);
  for (const LaterColumn& column : later_columns(side))
    if (server([&] { return number_of(column, factor_table(side)); })) add(column.name);
  return execute(
      "insert into " + relation_name(factor_table(side)) + " (" + columns + ") select " + values +
          " from pg_catalog.generate_series(0, $2) as n" +
          (if_there == IfThere::kUpdate
               ? std::string(" on conflict (") + id_column(side) + ") do update set " + updates
               : ""),
      {{rows.ids->type().oid, 0, true},
       {INT8OID, Int64GetDatum(static_cast<int64>(rows.order.size()) - 1)}});
}

void ModelWriter::empty_factor_table(Side side, const CollatedType& type) {
  // Not truncate: readers with an older snapshot must go on seeing the rows of their time.
  execute("delete from only " + relation_name(factor_table(side)));
  if (!has_ids_of(side, type)) change_id_type(side, type, " using null");
  add_later_columns(side);
}

void ModelWriter::write_factors(Side side, const FactorFeed& rows) {
  empty_factor_table(side, rows.ids->type().collated());
  insert_factors(side, rows, IfThere::kError);
}

void ModelWriter::write_rows(Side side, const IdType& type, const std::string& query,
                             const std::vector<Param>& params) {
  empty_factor_table(side, type.collated());
  std::string columns = "factors, bias, n_ratings";
  for (const LaterColumn& column : later_columns(side))
    if (server([&] { return number_of(column, factor_table(side)); }))
      columns += std::string(", ") + column.name;
  execute("insert into " + relation_name(factor_table(side)) + " (" + id_column(side) + ", " +
              columns + ") select id, " + columns + " from (" + query + ") factors",
          params);
}

/// Where the caller may. Here and below readers do wait, who go on with the new version: the server
/// has no other way.
void ModelWriter::add_later_columns(Side side) {
  const Oid table = factor_table(side);
  for (const LaterColumn& column : later_columns(side)) {
    const bool can_be_added = server([&] {
      return get_attnum(table, column.name) == InvalidAttrNumber && owns_relation(table) &&
             !has_subclass(table) && can_be_altered(table);
    });
    if (can_be_added)
      execute("alter table " + relation_name(table) + " add column " + column.name + " " +
              column.type_name);
  }
}

void ModelWriter::replace_with(Side side, Oid copy) {
  empty_factor_table(side, server([&] { return column_type_of(copy, id_column(side)); }));
  const std::string columns = shared_columns(side, copy, factor_table(side));
  execute("insert into " + relation_name(factor_table(side)) + " (" + columns + ") select " +
          columns + " from only " + relation_name(copy));
}

std::uint64_t ModelWriter::update_factors(Side side, const FactorFeed& rows) {
  return insert_factors(side, rows, IfThere::kUpdate);
}

/// The rows with an id of an array, $1.
std::string ModelWriter::rows_of_ids(Side side, const IdType& type) const {
  return "from only " + relation_name(factor_table(side)) + " where " +
         server([&] { return equals_condition(type, id_column(side), "any ($1)"); });
}

std::uint64_t ModelWriter::delete_factors(Side side, const IdType& type, const Param& ids) {
  return execute("delete " + rows_of_ids(side, type), {ids});
}

std::int64_t ModelWriter::count_factors(Side side, const IdType& type, const Param& ids) const {
  return count_rows(rows_of_ids(side, type), {ids});
}

/// The factor table's trigger has done so already, unless it has been disabled or there is none.
void ModelWriter::renew_version(Side side, std::size_t duplicates) {
  const std::string name = side_name(side);
  const std::uint64_t updated =
      execute("update only " + qualified_name() + " set version = $1, " + name +
                  "_version = $2, refreshed_at = $3, n_duplicates = case when n_duplicates "
                  "operator(pg_catalog.<) $4 then $4 else n_duplicates end, n_" +
                  name + "s = $5 where run operator(pg_catalog.=) $6",
              {new_version_param(), new_version_param(), now_param(),
               bigint_param(static_cast<std::int64_t>(duplicates)),
               bigint_param(count_rows("from only " + relation_name(factor_table(side)))),
               bigint_param(newest_run_)});
  if (updated != 1)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the newest row of %s could not be updated", qualified_name().c_str()),
                    "Look for a trigger on the table that suppresses updates.");
}

}  // namespace als::pg
