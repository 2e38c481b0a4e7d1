// als.evaluate: how good a model is, by rows that its training has not seen.

#include "pg/evaluate/evaluation_arguments.h"
#include "pg/evaluate/per_user_table.h"
#include "pg/evaluate/spread_evaluation.h"
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

std::vector<Measurement> evaluate(SpreadEvaluation& spread,
                                  const std::optional<std::string>& per_user) {
  spread.run({}, per_user);
  return spread.measurements();
}

std::vector<Measurement> evaluate(const EvaluationRequest& request, ServedModel& served,
                                  const std::optional<std::string>& per_user, Progress& progress) {
  Evaluation evaluation(request, served, progress);
  if (!per_user) return evaluation.run();
  PerUserTable table(*per_user, served.id_type(Side::kUsers));
  return evaluation.run(
      [&](const std::vector<UserResult>& users) { table.append(evaluation, users); });
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
    SpreadEvaluation spread(request, *served, progress);
    const std::vector<Measurement> measurements =
        spread.is_possible() ? evaluate(spread, per_user)
                             : evaluate(request, *served, per_user, progress);
    progress.hide();
    put_measurements(result, measurements);
    spi.finish();
    return static_cast<Datum>(0);
  });
}
