// Has Citus distribute a new table with the users.
#include "pg/spread/table_beside_users.h"

#include "pg/server/cluster_table.h"
#include "pg/sql/flushed_abort.h"
#include "pg/sql/params.h"

namespace als::pg {

bool users_are_on_nodes(const Model& model, const IdType& user) {
  return user.oid == user.base && model.factor_tables.users.spread == TableSpread::kDistributed &&
         model.factor_tables.items.spread == TableSpread::kReference;
}

std::optional<std::string> schema_for_tables(Oid preferred) {
  execute(
      "select pg_catalog.quote_ident(nspname) from pg_catalog.pg_namespace where "
      "pg_catalog.has_schema_privilege(oid, 'create') and (oid operator(pg_catalog.=) $1 or "
      "nspname operator(pg_catalog.=) any (pg_catalog.current_schemas(false))) order by oid "
      "operator(pg_catalog.<>) $1, pg_catalog.array_position(pg_catalog.current_schemas(false), "
      "nspname) limit 1",
      {{OIDOID, ObjectIdGetDatum(preferred)}});
  if (SPI_processed == 0) return std::nullopt;
  const char* schema =
      server([] { return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1); });
  return std::string(schema);
}

void create_table_beside_users(const std::string& table, const std::string& columns,
                               const Model& model, const IdType& user) {
  const std::string type = server([&] { return column_type(user); });
  create_table(table, "user_id " + type + columns, true);
  spread_beside_users(table, model);
}

void spread_beside_users(const std::string& table, const Model& model) {
  execute(
      "select pg_catalog.create_distributed_table($1::pg_catalog.regclass, 'user_id', "
      "colocate_with => $2)",
      {text_param(table.c_str()),
       text_param(relation_name(model.factor_tables.users.named).c_str())});
}

bool are_colocated(Oid one, Oid other) {
  return count_rows(
             "from pg_catalog.pg_dist_partition one join pg_catalog.pg_dist_partition other on "
             "one.colocationid operator(pg_catalog.=) other.colocationid where one.logicalrelid "
             "operator(pg_catalog.=) $1 and other.logicalrelid operator(pg_catalog.=) $2",
             {class_param(one), class_param(other)}) == 1;
}

bool lies_beside_users(const RatingSource& source, const Model& model) {
  return source.is_relation &&
         server([&] { return is_distributed_by(source.table, source.user_col.c_str()); }) &&
         are_colocated(source.table, model.factor_tables.users.named);
}

std::string array_type_name(const IdType& type) {
  return server([&] { return spelled_type(id_array_type(type)); });
}

std::string as_element(const std::string& item, const IdType& type) {
  return item + "::" + server([&] { return spelled_type(type.base); });
}

}  // namespace als::pg
