// als.evaluate: how good a model is, by rows that its training has not seen.

#include "pg/evaluate/evaluation_arguments.h"
#include "pg/evaluate/per_user_table.h"
#include "pg/server/args.h"
#include "pg/server/may_write.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

void put_measurements(ResultRows& result, const std::vector<Measurement>& measurements) {
  server([&] {
    for (const Measurement& row : measurements) {
      bool nulls[5] = {false, !row.k, !row.value, !row.baseline, false};
      Datum values[5] = {CStringGetTextDatum(row.metric),
                         Int32GetDatum(static_cast<int32>(row.k.value_or(0))),
                         Float8GetDatum(row.value.value_or(0)),
                         Float8GetDatum(row.baseline.value_or(0)), Int64GetDatum(row.n)};
      result.put(values, nulls);
    }
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_evaluate)

/// als.evaluate(model regclass, test text, ...): rows (metric text, k int, value float8, baseline
/// float8, n bigint), see sql/als--1.1.sql
Datum als_evaluate(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    const NamedArgs args(fcinfo);
    const EvaluationRequest request = evaluation_request(args, "model");
    std::optional<std::string> per_user;
    if (args.has("per_user")) per_user = args.optional_text("per_user");  // not in 1.0
    if (per_user) check_may_write("als.evaluate() with per_user");
    SpiConnection spi;
    Progress progress(Command::kEvaluate, request.model);
    std::shared_ptr<ServedModel> served = serve_model(request.model);
    Evaluation evaluation(request, *served, progress);
    std::optional<PerUserTable> table;
    Evaluation::OnUsers on_users;
    if (per_user) {
      table.emplace(*per_user, served->id_type(Side::kUsers));
      on_users = [&](const std::vector<UserResult>& users) { table->append(evaluation, users); };
    }
    const std::vector<Measurement> measurements = evaluation.run(on_users);
    progress.hide();
    put_measurements(result, measurements);
    spi.finish();
    return static_cast<Datum>(0);
  });
}
