// Reads the catalogs as postgres_fdw does: what a foreign table, and a column of it, is called
// there.
#include "pg/nodes/foreign_partitions.h"

namespace als::pg {

namespace {

/// The value of an option, or null. A server call.
const char* option_of(List* options, const char* name) {
  ListCell* cell;
  foreach (cell, options) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    if (std::strcmp(option->defname, name) == 0) return defGetString(option);
  }
  return nullptr;
}

/// The name that a relation has on its server. A server call.
char* remote_name(Oid relation, bool is_foreign) {
  const char* schema = nullptr;
  const char* name = nullptr;
  if (is_foreign) {
    List* options = GetForeignTable(relation)->options;
    schema = option_of(options, "schema_name");
    name = option_of(options, "table_name");
  }
  if (schema == nullptr) schema = get_namespace_name(get_rel_namespace(relation));
  if (name == nullptr) name = get_rel_name(relation);
  return quote_qualified_identifier(schema, name);
}

/// The name that a column has on the table's server. A server call.
const char* remote_column(Oid relation, bool is_foreign, const char* column) {
  const AttrNumber number = get_attnum(relation, column);
  const char* name =
      is_foreign ? option_of(GetForeignColumnOptions(relation, number), "column_name") : nullptr;
  return quote_identifier(name == nullptr ? column : name);
}

/// The type of a column of the source as another server is to read it. A server call.
char* type_of(Oid relation, const char* column) {
  Oid type;
  int32 modifier;
  Oid collation;
  get_atttypetypmodcoll(relation, get_attnum(relation, column), &type, &modifier, &collation);
  return spelled_type(type, modifier);
}

/// The source's columns, in its types, of one of its partitions.
std::string query_of(const DescribedSource& source, Oid partition, bool is_foreign) {
  std::vector<std::string> names{source.user_col, source.item_col};
  for (const auto& name : {source.rating_col, source.time_col, source.weight_col})
    if (name && std::find(names.begin(), names.end(), *name) == names.end()) names.push_back(*name);
  std::string columns;
  for (const std::string& name : names) {
    const char* column = server([&]() -> const char* {
      return psprintf("%s::%s", remote_column(partition, is_foreign, name.c_str()),
                      type_of(source.table, name.c_str()));
    });
    columns += (columns.empty() ? "" : ", ") + std::string(column) + " as " + quoted(name);
  }
  const char* table = server([&] { return remote_name(partition, is_foreign); });
  return "select " + columns + " from " + table;
}

/// Whether a relation is a foreign table of postgres_fdw. A server call.
bool is_of_postgres_fdw(Oid relation) {
  if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE) return false;
  const Oid wrapper = GetForeignServer(GetForeignTable(relation)->serverid)->fdwid;
  const Oid extension = get_extension_oid("postgres_fdw", true);
  return OidIsValid(extension) &&
         getExtensionOfObject(ForeignDataWrapperRelationId, wrapper) == extension;
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
  throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED, what, hint);
}

/// The partitions of a table, and whether its key is this column alone. A server call.
List* partitions_of(Oid table, const char* column, bool* is_key) {
  Relation relation = table_open(table, AccessShareLock);
  PartitionKey key = RelationGetPartitionKey(relation);
  *is_key = key->partnatts == 1 && key->partattrs[0] == get_attnum(table, column);
  List* partitions = NIL;
#if PG_VERSION_NUM >= 140000
  PartitionDesc found = RelationGetPartitionDesc(relation, true);
#else
  PartitionDesc found = RelationGetPartitionDesc(relation);
#endif
  for (int i = 0; i < found->nparts; ++i) partitions = lappend_oid(partitions, found->oids[i]);
  table_close(relation, NoLock);
  return partitions;
}

SourcePartition partition_of(const DescribedSource& source, Oid relation) {
  server([&] { LockRelationOid(relation, AccessShareLock); });
  const bool is_foreign = server([&] { return is_of_postgres_fdw(relation); });
  if (!is_foreign && server([&] { return get_rel_relkind(relation); }) != RELKIND_RELATION)
    refuse(format("partition %s of the source is neither a table nor a foreign table of "
                  "postgres_fdw",
                  relation_name(relation).c_str()),
           "Attach its own partitions to the source, or train with distributed => false, which "
           "reads the rows here.");
  SourcePartition partition{InvalidOid, source};
  if (is_foreign) partition.server = server([&] { return GetForeignTable(relation)->serverid; });
  partition.rows.text = query_of(source, relation, is_foreign);
  partition.rows.is_relation = false;
  partition.rows.path.clear();
  return partition;
}

/// What the server does for a query that reads the source; its policies do not reach other servers.
void check_privileges(const DescribedSource& source) {
  std::string columns = quoted(source.user_col) + ", " + quoted(source.item_col);
  for (const auto& name : {source.rating_col, source.time_col, source.weight_col})
    if (name) columns += ", " + quoted(*name);
  execute("select " + columns + " from " + source.from_clause() + " where false");
  if (server([&] { return check_enable_rls(source.table, InvalidOid, false); }) == RLS_ENABLED)
    refuse("row-level security of a source does not apply on other servers",
           "Put the policies on the tables of those servers, or train with distributed => false.");
}

}  // namespace

std::vector<SourcePartition> foreign_partitions(const DescribedSource& source) {
  std::vector<SourcePartition> partitions;
  if (!source.is_relation) return partitions;
  if (server([&] { return is_of_postgres_fdw(source.table); })) {
    check_privileges(source);
    return {partition_of(source, source.table)};
  }
  if (server([&] { return get_rel_relkind(source.table); }) != RELKIND_PARTITIONED_TABLE)
    return partitions;
  bool is_key = false;
  List* oids =
      server([&] { return partitions_of(source.table, source.user_col.c_str(), &is_key); });
  bool some_are_foreign = false;
  ListCell* cell;
  foreach (cell, oids)
    some_are_foreign =
        some_are_foreign || server([&] { return is_of_postgres_fdw(lfirst_oid(cell)); });
  if (!some_are_foreign) return partitions;
  if (!is_key)
    refuse("the source is not partitioned by its users alone",
           "Partition it by the users alone: partition by hash (" + quoted(source.user_col) +
               "). Or train with distributed => false, which reads the rows here.");
  check_privileges(source);
  foreach (cell, oids) partitions.push_back(partition_of(source, lfirst_oid(cell)));
  return partitions;
}

}  // namespace als::pg
