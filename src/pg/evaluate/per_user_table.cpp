// Makes the table of users, and fills it metric by metric.
#include "pg/evaluate/per_user_table.h"

#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"
#include "pg/server/memory_context.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/params.h"

namespace als::pg {

PerUserTable::PerUserTable(const std::string& name, const IdType& user_type) {
  const TargetTable target(name);
  table_ = target.qualified_name();
  if (OidIsValid(target.find_or_claim()))
    throw UserError(ERRCODE_DUPLICATE_TABLE,
                    format("relation \"%s\" already exists", target.relation().c_str()),
                    "als.evaluate makes the table of users: name another, or drop this one.");
  const char* type = server([&] { return column_type(user_type); });
  execute("create table " + table_ + " (user_id " + type +
          " not null, metric text not null, k int, value float8 not null, baseline float8)");
}

void PerUserTable::spread(const Model& model) const { spread_beside_users(table_, model); }

void PerUserTable::append(const std::string& query) const {
  execute("insert into " + table_ + " (user_id, metric, k, value, baseline) " + query);
}

void PerUserTable::append(const Evaluation& evaluation, const std::vector<UserResult>& users) {
  OwnedMemoryContext arrays("als metrics of users");
  MemoryContext old = MemoryContextSwitchTo(arrays.get());
  std::vector<std::vector<Measurement>> measured;
  measured.reserve(users.size());
  for (const UserResult& user : users) measured.push_back(evaluation.user_measurements(user));
  const std::string insert =
      "insert into " + table_ +
      " (user_id, metric, k, value, baseline) select id, $2, $3, value, baseline from "
      "rows from (pg_catalog.unnest($1), pg_catalog.unnest($4), pg_catalog.unnest($5)) as measured "
      "(id, value, baseline)";
  for (std::size_t m = 0; !measured.empty() && m < measured.front().size(); ++m) {
    std::vector<Datum> ids;
    std::vector<double> values;
    std::vector<double> baselines;
    for (std::size_t u = 0; u < users.size(); ++u) {
      const Measurement& measurement = measured[u][m];
      if (!measurement.value) continue;
      ids.push_back(evaluation.users().id(users[u].user));
      values.push_back(*measurement.value);
      if (measurement.baseline) baselines.push_back(*measurement.baseline);
    }
    if (ids.empty()) continue;
    const Measurement& first = measured.front()[m];
    // All of them have a baseline, or none has.
    execute(insert, {server([&] { return id_array(evaluation.users().type(), ids); }),
                     text_param(first.metric),
                     first.k ? int_param(static_cast<int>(*first.k)) : Param{INT4OID, 0, true},
                     float8_array_param(values), float8_array_param(baselines)});
  }
  MemoryContextSwitchTo(old);
}

}  // namespace als::pg
