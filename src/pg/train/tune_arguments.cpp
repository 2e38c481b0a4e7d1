#include "pg/train/tune_arguments.h"

#include "pg/server/args.h"
#include "pg/train/option_grid.h"

namespace als::pg {

namespace {

enum Argument {
  kSource,
  kGrid,
  kMetric,
  kTrials,
  kHoldout,
  kTest,
  kUserCol,
  kItemCol,
  kRatingCol,
  kFeedback,
  kOnDuplicate,
  kSeed,
  kThreads,
  kStopEarly,
  kResults
};

std::vector<TrainOptions> trials_from(FunctionCallInfo fcinfo, const OptionChoices& common) {
  require_arg(fcinfo, kGrid, "grid");
  OptionGrid grid(json_object(PG_GETARG_DATUM(kGrid), "grid"));
  std::optional<int> trials;
  if (!PG_ARGISNULL(kTrials))
    trials = int_arg(fcinfo, kTrials, "trials", 1, OptionGrid::kMaxTrials);
  return grid.trials(trials, common);
}

}  // namespace

TuneRequest tune_request(FunctionCallInfo fcinfo) {
  std::string source = text_arg(fcinfo, kSource, "source");
  OptionChoices common;
  common.options.feedback = feedback_arg(fcinfo, kFeedback);
  require_arg(fcinfo, kSeed, "seed");
  common.options.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed));
  Feedback feedback = common.options.feedback;
  TuneRequest request{{},
                      {},
                      trials_from(fcinfo, common),
                      PG_ARGISNULL(kMetric)
                          ? HoldoutMetric(feedback)
                          : HoldoutMetric(text_arg(fcinfo, kMetric, "metric"), feedback),
                      float_arg(fcinfo, kHoldout, "holdout", 0, 0.99),
                      on_duplicate_arg(fcinfo, kOnDuplicate, feedback),
                      common.options.seed,
                      threads_arg(fcinfo, kThreads),
                      bool_arg(fcinfo, kStopEarly, "stop_early"),
                      {}};
  if (!PG_ARGISNULL(kResults)) request.results = text_arg(fcinfo, kResults, "results");
  if (PG_ARGISNULL(kTest) && request.holdout == 0)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "nothing is left to judge the trials by",
                    "Use a holdout above 0, or name a test.");
  request.source = parse_source(source);
  columns_from(fcinfo, kUserCol, kItemCol, kRatingCol, request.source);
  if (!PG_ARGISNULL(kTest)) {
    request.test = parse_source(text_arg(fcinfo, kTest, "test"));
    columns_from(fcinfo, kUserCol, kItemCol, kRatingCol, *request.test);
  }
  return request;
}

}  // namespace als::pg
