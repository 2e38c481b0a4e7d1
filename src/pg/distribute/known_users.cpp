// Sends the users' factors of a model to the chunks that the users are in.
#include "pg/distribute/known_users.h"

#include "pg/distribute/sql_steps.h"
#include "pg/model/factor_table.h"

namespace als::pg {

std::string known_factors(const Model& model, Side side, const IdType& type) {
  const std::string id = ids_of_source(model, side, type);
  if (id.empty()) return "";
  return "(select " + id +
         " as known_id, factors::pg_catalog.float4[] as known_factors, bias::pg_catalog.float4 as "
         "known_bias from only " +
         locked_name(model.factor_tables[side].named) + ") known_rows";
}

Bytes start_users(const Model& model, const IdType& type, const PartsTraining& training,
                  Workspace& workspace) {
  const std::string known = known_factors(model, Side::kUsers, type);
  if (known.empty()) return {};
  workspace.create_known(model.factor_tables.users.named);
  execute("insert into " + workspace.places() +
          " select id, part, number, n from (select pg_catalog.unnest(ids) as id, part, number, "
          "pg_catalog.generate_subscripts(ids, 1) operator(pg_catalog.-) 1 as n from " +
          workspace.chunks() + ") users");
  const std::string same = server([&] { return equals_condition(type, "user_id", "known_id"); });
  execute("insert into " + workspace.known() +
          " select part, number, n, known_factors, known_bias from " + workspace.places() +
          " join " + known + " on " + same);
  const BytesParam param(training.bytes());
  workspace.done_with(workspace.places());
  workspace.done_with(workspace.users());
  workspace.empty();
  execute("insert into " + workspace.users() +
              " select c.part, c.number, als._start_users($1, c.chunk, k.known) from " +
              workspace.chunks() +
              " c left join (select part, number, als._known(n, factors, bias) as known from " +
              workspace.known() +
              " group by part, number) k on c.part operator(pg_catalog.=) k.part and c.number "
              "operator(pg_catalog.=) k.number",
          {param});
  workspace.done_with(workspace.known());
  workspace.empty();
  return SqlSteps::user_reports(workspace);
}

}  // namespace als::pg
