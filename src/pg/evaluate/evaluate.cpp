// als.evaluate: how good a model is, by rows that its training has not seen.

#include <limits>

#include "pg/evaluate/evaluation.h"
#include "pg/server/args.h"
#include "pg/server/result_rows.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

enum Argument {
  kModel,
  kTest,
  kK,
  kHistory,
  kCandidates,
  kExcludeSeen,
  kMinRating,
  kUserCol,
  kItemCol,
  kRatingCol,
  kThreads
};

std::vector<std::uint32_t> cutoffs_arg(FunctionCallInfo fcinfo) {
  std::vector<std::uint32_t> cutoffs;
  for (const std::int64_t k : integers_arg(fcinfo, kK, "k")) {
    if (k < 1 || k > PG_INT32_MAX)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("invalid k: %s", std::to_string(k).c_str()),
                      format("Lengths of lists are between 1 and %d.", PG_INT32_MAX));
    cutoffs.push_back(static_cast<std::uint32_t>(k));
  }
  return cutoffs;
}

std::optional<std::string> optional_text_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  if (PG_ARGISNULL(index)) return std::nullopt;
  return text_arg(fcinfo, index, name);
}

std::optional<std::string> optional_name_arg(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return std::nullopt;
  return std::string(NameStr(*PG_GETARG_NAME(index)));
}

EvaluationRequest request_from(FunctionCallInfo fcinfo) {
  EvaluationRequest request;
  require_arg(fcinfo, kModel, "model");
  request.model = PG_GETARG_OID(kModel);
  request.test = text_arg(fcinfo, kTest, "test");
  request.cutoffs = cutoffs_arg(fcinfo);
  request.history = optional_text_arg(fcinfo, kHistory, "history");
  request.candidates = optional_text_arg(fcinfo, kCandidates, "candidates");
  request.exclude_seen = bool_arg(fcinfo, kExcludeSeen, "exclude_seen");
  if (!PG_ARGISNULL(kMinRating)) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    request.min_rating = float_arg(fcinfo, kMinRating, "min_rating", -kLargest, kLargest);
  }
  request.user_col = optional_name_arg(fcinfo, kUserCol);
  request.item_col = optional_name_arg(fcinfo, kItemCol);
  request.rating_col = optional_name_arg(fcinfo, kRatingCol);
  request.threads = threads_arg(fcinfo, kThreads);
  check_is_model(request.model);
  return request;
}

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
    EvaluationRequest request = request_from(fcinfo);
    SpiConnection spi;
    Progress progress(Command::kEvaluate, request.model);
    std::shared_ptr<ServedModel> served = serve_model(request.model);
    std::vector<Measurement> measurements = Evaluation(request, *served, progress).run();
    progress.hide();
    put_measurements(result, measurements);
    spi.finish();
    return static_cast<Datum>(0);
  });
}
