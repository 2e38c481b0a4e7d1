// Makes, empties and drops the tables of a training in parts.
#include "pg/distribute/workspace.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "pg/distribute/citus.h"
#include "pg/server/cluster_table.h"
#include "pg/server/random_number.h"
#include "pg/sql/flushed_abort.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

std::string list_of(const std::vector<std::string>& tables) {
  std::string list;
  for (const std::string& table : tables) list += (list.empty() ? "" : ", ") + table;
  return list;
}

}  // namespace

Workspace::Workspace(Oid schema, const BySide<const IdType*>& id_types, int parts, bool distributed,
                     Run run)
    : run_(std::move(run)),
      prefix_(scratch_prefix()),
      distributed_(distributed),
      training_(static_cast<std::int64_t>(random_number())),
      parts_(parts),
      id_types_(id_types) {
  std::iota(parts_.begin(), parts_.end(), 0);
  temporary_ = server([&] { return isAnyTempNamespace(schema); });
  schema_ = server([&] { return quote_identifier(get_namespace_name(schema)); });
}

Workspace::Workspace(const BySide<const IdType*>& id_types, Run run)
    : run_(std::move(run)),
      schema_("pg_temp"),
      prefix_("als_"),
      temporary_(true),
      distributed_(false),
      id_types_(id_types) {}

std::string Workspace::table(const char* label) const { return schema_ + "." + prefix_ + label; }

void Workspace::create(const char* label, const WorkColumns& columns) {
  create_table(table(label), columns.definition, !temporary_, run_);
  made_.push_back(table(label));
  for (const std::string& column : columns.large)
    run_("alter table " + table(label) + " alter " + column + " set storage external");
}

void Workspace::create() {
  // Names of types that are no keywords are looked up in the session's search_path.
  const std::string bytes = "pg_catalog.bytea";
  create("items", {"idx int, item_id " + id_type(Side::kItems) + ", key bigint"});
  create("rows", {row_columns(), {"items", "ratings"}});
  create("numbers", {"numbers " + bytes, {"numbers"}});
  create("chunks", {"part int, number int, ids " + id_array_type(Side::kUsers) + ", chunk " + bytes,
                    {"ids", "chunk"}});
  for (const char* label : {"users", "users_too"})
    create(label, {"part int, number int, users " + bytes, {"users"}});
  if (!distributed_) return;
  // What every part needs is on every machine.
  copy_to_machines({"items", "numbers"});
  distribute({"chunks"}, "part", "none");
  distribute({"rows", "users", "users_too"}, "part", chunks());
  find_parts();
  tell_sessions();
}

void Workspace::find_parts() {
  const std::vector<ShardValue> found =
      value_in_each_shard(chunks(), static_cast<int>(parts_.size()));
  std::map<int, int> first_on;  // machine
  for (std::size_t i = 0; i < found.size(); ++i) {
    parts_[i] = found[i].value;
    first_on.emplace(found[i].machine, found[i].value);
  }
  for (const ShardValue& from : found)
    for (const auto& [machine, part] : first_on)
      if (machine != from.machine) {
        ways_.from.push_back(from.value);
        ways_.to.push_back(part);
      }
}

/// The machines plan and run what they get by settings of their own, until one that lies in a shard
/// there is set by a function: to the end of the transaction. So do sessions know their parts.
void Workspace::tell_sessions() {
  execute("insert into " + rows() + "(part) select pg_catalog.unnest($1)",
          {int4_array_param(parts_)});
  for (const char* name : {"jit", "work_mem"}) {
    const std::string value = server([&]() -> const char* {
      return quote_literal_cstr(GetConfigOptionByName(name, nullptr, false));
    });
    execute(std::string("select pg_catalog.count(pg_catalog.set_config('") + name + "', " + value +
            ", part is not null)) from " + rows());
  }
  execute("select pg_catalog.count(als._own_part($1, part)) from " + rows(),
          {bigint_param(training_)});
  done_with(rows());
  empty();
}

std::vector<int> Workspace::slice_places(std::size_t slices) const {
  std::vector<int> places(slices);
  for (std::size_t slice = 0; slice < slices; ++slice)
    places[slice] = parts_[slice % parts_.size()];
  return places;
}

void Workspace::create_slices() {
  const std::string bytes = "pg_catalog.bytea";
  for (const char* label : {"slices", "slices_too"})
    create(label, {"place int, slice int, state " + bytes, {"state"}});
  create("totals", {"place int, slice int, totals " + bytes, {"totals"}});
  create("sums", {"place int, slice int, part int, piece " + bytes, {"piece"}});
  if (!distributed_) return;
  create("block", {"part int, slice int, piece " + bytes, {"piece"}});
  distribute({"slices", "slices_too", "totals", "sums"}, "place", chunks());
  distribute({"block"}, "part", chunks());
}

void Workspace::create_finished() {
  create("finished", {"slice int, items pg_catalog.bytea", {"items"}});
  copy_to_machines({"finished"});
}

void Workspace::copy_to_machines(std::initializer_list<const char*> labels) {
  for (const char* label : labels)
    execute("select pg_catalog.create_reference_table(" + name_argument(table(label)) + ")");
}

/// By a column, so that rows of the same number lie together; with: the first such table, or none.
void Workspace::distribute(std::initializer_list<const char*> labels, const char* column,
                           const std::string& with) {
  for (const char* label : labels)
    execute("select pg_catalog.create_distributed_table(" + name_argument(table(label)) + ", '" +
                column + "', colocate_with => $1" +
                (with == "none" ? ", shard_count => " + std::to_string(parts_.size()) : "") + ")",
            {text_param(with.c_str())});
}

void Workspace::create_known(Oid user_factors) {
  create("places", {"user_id " + id_type(Side::kUsers) + ", part int, number int, n int"});
  create("known", {"part int, number int, n int, factors real[], bias real"});
  const auto distribute = [&](const std::string& name, const char* column,
                              const std::string& with) {
    execute("select pg_catalog.create_distributed_table(" + name_argument(name) + ", '" + column +
                "', colocate_with => $1)",
            {text_param(with.c_str())});
  };
  if (distributed_) distribute(known(), "part", chunks());
  if (server([&] { return cluster_table(user_factors).spread; }) == TableSpread::kDistributed)
    distribute(places(), "user_id", relation_name(user_factors));
}

void Workspace::create_found(const WorkColumns& columns) {
  const auto made = std::find(made_.begin(), made_.end(), found());
  if (made != made_.end()) {
    run_("drop table " + found());
    made_.erase(made);
  }
  create("found", columns);
}

std::string Workspace::id_type(Side side) const {
  return server([&] { return column_type(*id_types_[side]); });
}

std::string Workspace::id_array_type(Side side) const {
  return server([&] { return array_column_type(*id_types_[side]); });
}

std::string Workspace::row_columns() const {
  return "part int, place int, user_id " + id_type(Side::kUsers) + ", items " +
         id_array_type(Side::kItems) + ", n bigint, kept bigint, ratings pg_catalog.bytea";
}

void Workspace::drop() { run_("drop table " + list_of(made_)); }

std::string Workspace::chunks_with_users() const {
  return chunks() + " c join " + users() +
         " u on c.part operator(pg_catalog.=) u.part and c.number operator(pg_catalog.=) u.number";
}

std::string Workspace::item_keys() const {
  return "(select pg_catalog.array_agg(key order by idx) from " + items() + ")";
}

void Workspace::empty() {
  if (!done_with_.empty()) run_("truncate " + list_of(done_with_));
  done_with_.clear();
}

void Workspace::users_are_next() {
  done_with(users());
  users_ = 1 - users_;
}

void Workspace::slices_are_next() {
  done_with(slices());
  slices_ = 1 - slices_;
}

}  // namespace als::pg
