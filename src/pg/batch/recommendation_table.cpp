// Makes or finds the target of als.recommend_all, and fills it batch by batch.
#include "pg/batch/recommendation_table.h"

#include "pg/batch/bulk_insert.h"
#include "pg/model/model_source.h"
#include "pg/model/row_feed.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/params.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

void RecommendationTable::check_is_table() const {
  char kind = server([&] { return get_rel_relkind(table_); });
  if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
    throw UserError(
        ERRCODE_WRONG_OBJECT_TYPE,
        format("\"%s\" is not a table", target_table_.relation().c_str()),
        "Recommendations are written into a table; name one that does not exist, and it "
        "is made.");
}

void RecommendationTable::lock(const std::vector<RelationLock>& besides) {
  const bool is_locked = lock_together(besides, [&] {
    table_ = target_table_.find_or_claim();
    if (!OidIsValid(table_)) return true;
    check_is_table();
    check_has_any(table_, kMayLock);
    take_locks({{table_, ShareRowExclusiveLock}});
    if (target_table_.find() != table_) return false;
    check_is_table();  // a rule may have made a view of it
    return true;
  });
  if (!is_locked)
    throw UserError(ERRCODE_T_R_SERIALIZATION_FAILURE,
                    format("\"%s\" has become another table", target_table_.relation().c_str()),
                    "Try again.");
  if (OidIsValid(table_))
    lock_tables_on_nodes("lock table " + target_table_.qualified_name() +
                         " in share row exclusive mode");
}

bool RecommendationTable::is_temporary() const {
  return server([&] { return isAnyTempNamespace(target_table_.schema()); });
}

void RecommendationTable::create(Side whom, const Model& model, const IdType& user_type,
                                 const IdType& item_type) {
  const FactorTable& users = model.factor_tables.users;
  const bool with_users =
      whom == Side::kUsers && users.spread == TableSpread::kDistributed && !is_temporary();
  if (with_users) check_is_coordinator();
  const char* user = server([&] { return column_type(user_type); });
  const char* item = server([&] { return column_type(item_type); });
  execute("create table " + target_table_.qualified_name() + " (user_id " + user +
          " not null, item_id " + item + " not null, score real not null, rank int not null)");
  table_ = target_table_.find_made();
  created_ = true;
  if (with_users) spread_beside_users(target_table_.qualified_name(), model);
}

void RecommendationTable::check_is_foreign_to(const Model& model) const {
  const char* is =
      table_ == model.table               ? "the model itself"
      : table_ == source_now(model).table ? "the source of model "
      : table_ == seen_now(model).table   ? "what users have seen for model "
      : table_ == model.factor_tables.users.named || table_ == model.factor_tables.items.named
          ? "a factor table of model "
          : nullptr;
  if (is == nullptr) return;
  throw UserError(ERRCODE_WRONG_OBJECT_TYPE,
                  format("\"%s\" is %s%s", target_table_.relation().c_str(), is,
                         table_ == model.table ? "" : model.name.c_str()),
                  "What the target holds is replaced: name another table, or one that does not "
                  "exist.");
}

void RecommendationTable::prepare(Side whom, const Model& model, const IdType& user_type,
                                  const IdType& item_type) {
  if (!OidIsValid(table_)) {
    create(whom, model, user_type, item_type);
    hold();
    return;
  }
  check_is_foreign_to(model);
  const std::string of_model = " of model " + model.name;
  check_takes(table_, {{"user_id", user_type.oid, "user ids" + of_model},
                       {"item_id", item_type.oid, "item ids" + of_model},
                       {"score", FLOAT4OID, "scores" + of_model},
                       {"rank", INT4OID, "ranks" + of_model}});
  check_sees_all_rows(table_);
  hold();
}

/// It is locked already. Of its own session a lock keeps nobody from anything, an open table does.
void RecommendationTable::hold() {
  held_ = server([&] { return table_open(table_, NoLock); });
}

void RecommendationTable::clear() {
  // Not truncate: readers with an older snapshot must go on seeing the rows of their time.
  if (!created_) execute("delete from " + target_table_.qualified_name());
}

std::int64_t RecommendationTable::append(const RecommendationFeed& rows) {
  if (rows.size() == 0) return 0;
  if (created_ && takes_rows_as_they_are(table_, rows)) {
    bulk_insert(table_, rows);
    return static_cast<std::int64_t>(rows.size());
  }
  RowFeed<RecommendationFeed> scope(&rows);
  return static_cast<std::int64_t>(execute(
      "insert into " + target_table_.qualified_name() +
          " (user_id, item_id, score, rank) select als._recommended_user(n, $1), "
          "als._recommended_item(n, $2), als._recommended_score(n), als._recommended_rank(n) "
          "from pg_catalog.generate_series(0, $3) as n",
      {{rows.users->type().oid, 0, true},
       {rows.items->type().oid, 0, true},
       {INT8OID, Int64GetDatum(static_cast<int64>(rows.size()) - 1)}}));
}

std::int64_t RecommendationTable::append(const std::string& query,
                                         const std::vector<Param>& params) {
  return static_cast<std::int64_t>(execute(
      "insert into " + target_table_.qualified_name() + " (user_id, item_id, score, rank) " + query,
      params));
}

/// An index is made faster in one go than row by row.
void RecommendationTable::finish(Side whom) {
  server([&] { table_close(held_, NoLock); });
  if (created_)
    execute("alter table " + target_table_.qualified_name() + " add primary key (" +
            id_column(whom) + ", rank)");
}

}  // namespace als::pg
