// Makes the tables of a model, and writes factors.
#include "pg/model/model_writer.h"

#include "pg/model/factor_table.h"
#include "pg/model/ownership.h"
#include "pg/model/row_feed.h"
#include "pg/sql/flushed_abort.h"
#include "pg/sql/params.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

namespace {

/// ALTER TABLE refuses a table that a statement of this session is using. A server call.
bool can_be_altered(Oid table) {
  Relation relation = table_open(table, NoLock);
  const bool idle = relation->rd_refcnt == 1 && !AfterTriggerPendingOnRel(table);
  table_close(relation, NoLock);
  return idle;
}

}  // namespace

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
  give_to_owner(table_, created);
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
  check_factor_columns(factor_table(side), side, qualified_name());
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
  check_factor_columns(copy, side, qualified_name());
  empty_factor_table(side, server([&] { return column_type_of(copy, id_column(side)); }));
  const std::string columns = shared_columns(side, copy, factor_table(side));
  execute("insert into " + relation_name(factor_table(side)) + " (" + columns + ") select " +
          columns + " from only " + relation_name(copy));
}

std::uint64_t ModelWriter::update_factors(Side side, const FactorFeed& rows) {
  check_factor_columns(factor_table(side), side, qualified_name());
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
