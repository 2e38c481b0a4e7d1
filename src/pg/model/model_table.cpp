// Recognises model tables by their type or, where Citus has taken it from them, by their columns.
#include "pg/model/model_table.h"

namespace als::pg {

namespace {

/// Those that a table must have to be taken for a model without its type.
struct RequiredColumn {
  const char* name;
  Oid type;
};
constexpr RequiredColumn kRequiredColumns[] = {{"run", INT8OID},          {"version", UUIDOID},
                                               {"user_version", UUIDOID}, {"item_version", UUIDOID},
                                               {"user_table", TEXTOID},   {"item_table", TEXTOID},
                                               {"feedback", TEXTOID},     {"factors", INT4OID}};

bool has_columns_of_model(Oid table) {
  for (const RequiredColumn& column : kRequiredColumns)
    if (get_atttype(table, get_attnum(table, column.name)) != column.type) return false;
  return true;
}

bool is_on_all_nodes(Oid table) {
  return cluster_table(table).spread == TableSpread::kReference && has_columns_of_model(table);
}

}  // namespace

bool is_model_type(Oid row_type) {
  if (!OidIsValid(row_type)) return false;
  Oid schema = get_namespace_oid("als", true);
  return row_type == GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("model"),
                                     ObjectIdGetDatum(schema));
}

bool is_model_or_gone(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return false;
  auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  // A rule can make a view of a table that has a type.
  const bool is_table =
      form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE;
  const Oid row_type = form->reloftype;
  ReleaseSysCache(tuple);
  return is_table && (is_model_type(row_type) || is_on_all_nodes(table));
}

bool is_model(Oid table) {
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with the OID %u", table),
             errhint("A model is a table made by als.train; als.models lists them.")));
  return is_model_or_gone(table);
}

void check_is_model(Oid table) {
  server([&] {
    if (is_model(table)) return;
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is not an als model", get_rel_name(table)),
                    errhint("A model is a table made by als.train; als.models lists them.")));
  });
}

void lock_model_table(Oid table, LOCKMODE mode) {
  check_is_model(table);
  const bool is_there = server([&] {
    LockRelationOid(table, mode);
    const Oid here = cluster_table(table).here;
    if (here != table) LockRelationOid(here, mode);
    return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table));
  });
  if (!is_there)
    throw UserError(ERRCODE_UNDEFINED_TABLE, "the model has been dropped meanwhile",
                    "als.models lists those that there are.");
  check_is_model(table);
}

List* models_on_all_nodes() {
  List* models = NIL;
  ListCell* cell;
  foreach (cell, reference_tables())
    if (has_columns_of_model(lfirst_oid(cell))) models = lappend_oid(models, lfirst_oid(cell));
  return models;
}

Oid table_of_name(Datum name) {
  List* parts = textToQualifiedNameList(DatumGetTextPP(name));
  return RangeVarGetRelid(makeRangeVarFromNameList(parts), NoLock, true);
}

}  // namespace als::pg
