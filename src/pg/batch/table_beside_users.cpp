// Has Citus distribute a new table with the users.
#include "pg/batch/table_beside_users.h"

#include "pg/sql/params.h"

namespace als::pg {

void create_table_beside_users(const std::string& table, const std::string& columns,
                               const Model& model, const IdType& user) {
  execute("create unlogged table " + table + " (user_id " +
          server([&] { return column_type(user); }) + columns + ")");
  execute(
      "select pg_catalog.create_distributed_table($1::pg_catalog.regclass, 'user_id', "
      "colocate_with => $2)",
      {text_param(table.c_str()),
       text_param(relation_name(model.factor_tables.users.named).c_str())});
}

std::string as_element(const std::string& item, const IdType& type) {
  return item + "::" + server([&] { return spelled_type(type.base); });
}

}  // namespace als::pg
