// Reads the catalogs of Citus, which are tables in pg_catalog, if they are there.
#include "pg/server/cluster_table.h"

#include "pg/server/catalog_scan.h"
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

constexpr const char* kTables = "pg_dist_partition";
constexpr const char* kTablesIndex = "pg_dist_partition_logical_relid_index";
constexpr const char* kShards = "pg_dist_shard";
constexpr const char* kShardsIndex = "pg_dist_shard_logical_relid_index";

/// Only a superuser can make a table there.
Oid in_catalog(const char* name) { return get_relname_relid(name, PG_CATALOG_NAMESPACE); }

/// The value of a column of a catalog, as its name finds it; 0 for null.
Datum value_of(HeapTuple row, TupleDesc columns, Oid catalog, const char* column) {
  bool is_null;
  const AttrNumber number = get_attnum(catalog, column);
  if (number == InvalidAttrNumber) return 0;
  const Datum value = catalog_column(row, number, columns, &is_null);
  return is_null ? 0 : value;
}

/// Calls on_row(row, columns, catalog) for the rows of a catalog of Citus that are about a table.
template <class OnRow>
void find_about(const char* catalog_name, const char* index, Oid table, OnRow on_row) {
  const Oid catalog = in_catalog(catalog_name);
  if (!OidIsValid(catalog)) return;
  const AttrNumber column = get_attnum(catalog, "logicalrelid");
  if (column == InvalidAttrNumber) return;
  find_in_catalog(catalog, in_catalog(index), {{column, table}},
                  [&](HeapTuple row, TupleDesc columns) {
                    on_row(row, columns, catalog);
                    return false;
                  });
}

TableSpread spread_of(HeapTuple row, TupleDesc columns, Oid catalog) {
  const char method = DatumGetChar(value_of(row, columns, catalog, "partmethod"));
  const char replication = DatumGetChar(value_of(row, columns, catalog, "repmodel"));
  if (method != 'n') return TableSpread::kDistributed;
  // A table that is distributed without a key, or managed where it lies, is on one node.
  return replication == 't' ? TableSpread::kReference : TableSpread::kNone;
}

/// Citus names the tables in which it keeps rows after the one whose rows they are. Its versions
/// differ in whether its function takes a third argument.
Oid copy_here(Oid table, int64 shard) {
  List* function = list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("shard_name")));
  const Oid shard_name = LookupFuncName(function, -1, nullptr, true);
  if (!OidIsValid(shard_name)) return InvalidOid;
  const Datum name = OidFunctionCall3(shard_name, ObjectIdGetDatum(table), Int64GetDatum(shard),
                                      BoolGetDatum(true));
  List* parts = textToQualifiedNameList(DatumGetTextPP(name));
  return get_relname_relid(strVal(llast(parts)), get_rel_namespace(table));
}

ClusterTable look_up(Oid table) {
  ClusterTable result{TableSpread::kNone, table};
  find_about(kTables, kTablesIndex, table, [&](HeapTuple row, TupleDesc columns, Oid catalog) {
    result.spread = spread_of(row, columns, catalog);
  });
  if (result.spread != TableSpread::kReference) return result;
  int64 shard = 0;
  find_about(kShards, kShardsIndex, table, [&](HeapTuple row, TupleDesc columns, Oid catalog) {
    shard = DatumGetInt64(value_of(row, columns, catalog, "shardid"));
  });
  if (const Oid here = copy_here(table, shard); OidIsValid(here)) result.here = here;
  return result;
}

KnownFacts<ClusterTable>& known_tables() {
  static auto* known = new KnownFacts<ClusterTable>;
  return *known;
}

/// Citus reports what it changes about a table as a change of the table.
void forget_relation(Oid relation) {
  known_tables().forget(
      relation, [](const ClusterTable& found, Oid changed) { return found.here == changed; });
}

void watch_server() {
  static bool watching = false;
  if (watching) return;
  known_tables();  // is made here, because the callback may not fail
  watch_relations(forget_relation);
  watching = true;
}

}  // namespace

ClusterTable cluster_table(Oid table) {
  if (!OidIsValid(table) || !OidIsValid(in_catalog(kTables))) return {TableSpread::kNone, table};
  watch_server();
  return known_tables().about(table, InvalidOid, [&] { return look_up(table); });
}

AttrNumber distribution_column(Oid table) {
  if (cluster_table(table).spread != TableSpread::kDistributed) return InvalidAttrNumber;
  AttrNumber found = InvalidAttrNumber;
  find_about(kTables, kTablesIndex, table, [&](HeapTuple row, TupleDesc columns, Oid catalog) {
    const Datum key = value_of(row, columns, catalog, "partkey");
    if (key == 0) return;
    auto* node = static_cast<Node*>(stringToNode(TextDatumGetCString(key)));
    if (node != nullptr && IsA(node, Var)) found = reinterpret_cast<Var*>(node)->varattno;
  });
  return found;
}

List* reference_tables() {
  List* tables = NIL;
  const Oid catalog = in_catalog(kTables);
  if (!OidIsValid(catalog)) return tables;
  find_in_catalog(catalog, InvalidOid, {}, [&](HeapTuple row, TupleDesc columns) {
    if (spread_of(row, columns, catalog) == TableSpread::kReference)
      tables =
          lappend_oid(tables, DatumGetObjectId(value_of(row, columns, catalog, "logicalrelid")));
    return false;
  });
  return tables;
}

}  // namespace als::pg
