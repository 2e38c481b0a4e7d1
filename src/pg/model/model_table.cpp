// Recognises model tables by their type or, where Citus has taken it from them, by their columns.
#include "pg/model/model_table.h"

namespace als::pg {

namespace {

/// The type als.model, or InvalidOid.
Oid model_type() {
  const Oid schema = get_namespace_oid("als", true);
  return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("model"),
                         ObjectIdGetDatum(schema));
}

bool is_same_column(Form_pg_attribute a, Form_pg_attribute b) {
  return a->atttypid == b->atttypid && std::strcmp(NameStr(a->attname), NameStr(b->attname)) == 0;
}

/// Whether the columns of a table are the first ones of a type, in its order.
bool begins_as(TupleDesc type, Oid table) {
  bool is_same = true;
  int place = 0;
  for (AttrNumber number = 1; is_same; ++number) {
    HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(number));
    if (!HeapTupleIsValid(tuple)) break;
    auto* column = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
    if (!column->attisdropped) {
      while (place < type->natts && TupleDescAttr(type, place)->attisdropped) ++place;
      is_same = place < type->natts && is_same_column(column, TupleDescAttr(type, place));
      ++place;
    }
    ReleaseSysCache(tuple);
  }
  return is_same;
}

/// A table that was made before the type had all its columns has the first ones, up to those that
/// name the factors at least. One more, or one of another type, would be read with a whole row: by
/// casts that the owner of its type may have made.
bool has_columns_of_model(Oid table) {
  const Oid type = model_type();
  if (!OidIsValid(type) || get_attnum(table, "item_table") == InvalidAttrNumber) return false;
  TupleDesc columns = lookup_rowtype_tupdesc(type, -1);
  const bool has_them = begins_as(columns, table);
  ReleaseTupleDesc(columns);
  return has_them;
}

bool is_on_all_nodes(Oid table) {
  return cluster_table(table).spread == TableSpread::kReference && has_columns_of_model(table);
}

}  // namespace

bool is_model_type(Oid row_type) { return OidIsValid(row_type) && row_type == model_type(); }

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

void check_is_not_dropped(Oid model) {
  if (!server([&] { return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model)); }))
    throw UserError(ERRCODE_UNDEFINED_TABLE, "the model has been dropped meanwhile",
                    "als.models lists those that there are.");
}

void lock_model_table(Oid table, LOCKMODE mode) {
  check_is_model(table);
  server([&] {
    LockRelationOid(table, mode);
    const Oid here = cluster_table(table).here;
    if (here != table) LockRelationOid(here, mode);
  });
  check_is_not_dropped(table);
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
