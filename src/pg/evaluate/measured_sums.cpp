// als._sum_measured: adds up what als._measured_user returns, and als._measured_metrics, which
// reads it.

#include "pg/evaluate/flat_bytes.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

void check_same_shape(const FlatEvaluation& sums, const FlatEvaluation::Shape& other) {
  if (sums.shape() == other) return;
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "results of different evaluations",
                  "Those of one model, with the same cutoffs and groups, can be added up.");
}

FlatEvaluation open_sums(bytea* sums) {
  return open_evaluation(VARDATA(sums), VARSIZE(sums) - VARHDRSZ);
}

bytea* new_sums(const FlatEvaluation::Shape& shape) {
  bytea* sums = new_bytea(FlatEvaluation::bytes(shape), kHintOnSize);
  FlatEvaluation(shape, VARDATA(sums));
  return sums;
}

void put_metrics(ResultRows& result, const std::vector<Measurement>& metrics) {
  server([&] {
    for (const Measurement& metric : metrics) {
      if (!metric.value) continue;
      const bool nulls[4] = {false, !metric.k, false, !metric.baseline};
      const Datum values[4] = {CStringGetTextDatum(metric.metric),
                               Int32GetDatum(static_cast<int32>(metric.k.value_or(0))),
                               Float8GetDatum(*metric.value),
                               Float8GetDatum(metric.baseline.value_or(0))};
      result.put(values, nulls);
    }
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_measured)
ALS_SQL_FUNCTION(als_merge_measured)
ALS_SQL_FUNCTION(als_measured_metrics)

/// als._add_measured(sums bytea, measured bytea): bytea
Datum als_add_measured(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(1)) {
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    return PG_GETARG_DATUM(0);
  }
  return guard([&] {
    const als::MeasuredUser user = measured_user_arg(fcinfo, 1);
    const als::FlatEvaluation::Shape shape = als::FlatEvaluation::shape_of(user);
    bytea* state = PG_ARGISNULL(0) ? new_sums(shape) : bytea_to_change(fcinfo, 0);
    als::FlatEvaluation sums = open_sums(state);
    check_same_shape(sums, shape);
    sums.add(user);
    return PointerGetDatum(state);
  });
}

/// als._merge_measured(bytea, bytea): bytea, strict
Datum als_merge_measured(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    bytea* state = bytea_to_change(fcinfo, 0);
    bytea* other = server([&] { return PG_GETARG_BYTEA_P(1); });
    als::FlatEvaluation sums = open_sums(state);
    const als::FlatEvaluation others = open_sums(other);
    check_same_shape(sums, others.shape());
    sums.add(others);
    return PointerGetDatum(state);
  });
}

/// als._measured_metrics(measured bytea, errors bool, means bool): rows (metric text, k int, value
/// float8, baseline float8)
Datum als_measured_metrics(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    const als::MeasuredUser user = measured_user_arg(fcinfo, 0);
    if (user.known != 0)
      put_metrics(result, user_measurements(result_of(user), bool_arg(fcinfo, 1, "errors"),
                                            bool_arg(fcinfo, 2, "means"), user.cutoffs));
    return static_cast<Datum>(0);
  });
}
