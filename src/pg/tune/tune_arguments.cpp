// From the arguments of als.tune to the trials that they ask for.
#include "pg/tune/tune_arguments.h"

#include "pg/tune/option_grid.h"

namespace als::pg {

namespace {

// Without a grid nobody has said how much there is to be tried.
constexpr double kDefaultSeconds = 60;
constexpr double kMaxSeconds = 1e9;

double seconds_arg(const NamedArgs& args, bool has_grid) {
  const double endless = std::numeric_limits<double>::infinity();
  if (!args.has("seconds") || args.is_null("seconds")) return has_grid ? endless : kDefaultSeconds;
  return float_arg(args.fcinfo(), args["seconds"], "seconds", 0, kMaxSeconds);
}

}  // namespace

TuneRequest tune_request(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  const std::string source = args.text("source");
  const OptionChoices common = option_args(args);
  const Feedback feedback = common.feedback();
  const std::optional<std::string> metric = args.optional_text("metric");
  std::optional<int> trials;
  if (!args.is_null("trials"))
    trials = int_arg(fcinfo, args["trials"], "trials", 1, OptionGrid::kMaxTrials);
  std::optional<std::vector<OptionChoices>> of_grid;
  if (!args.is_null("grid"))
    of_grid = OptionGrid(json_object(args.datum("grid"), "grid")).trials(trials, common);
  TuneRequest request{{},
                      {},
                      {},
                      of_grid,
                      common,
                      trials,
                      metric ? HoldoutMetric(*metric, feedback) : HoldoutMetric(feedback),
                      common.number(OptionId::kHoldout, 0),
                      common.on_duplicate(),
                      static_cast<std::uint64_t>(common.integer(OptionId::kSeed, 0)),
                      threads_arg(fcinfo, args["threads"]),
                      args.flag("stop_early"),
                      seconds_arg(args, of_grid.has_value()),
                      args.optional_text("results")};
  const std::optional<std::string> test = args.optional_text("test");
  if (!test && request.holdout == 0)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "nothing is left to judge the trials by",
                    "Use a holdout above 0, or name a test.");
  request.source = source_from(args, source, request.on_duplicate, feedback);
  if (test) {
    request.test = source_from(args, *test, request.on_duplicate, feedback);
    request.test->weight_col.reset();  // each of its rows counts once
  }
  for (const Side side : {Side::kUsers, Side::kItems})
    request.features[side] = features_from(args, side);
  for (const OptionChoices& choices : of_grid.value_or(std::vector<OptionChoices>{common}))
    check_features(request.features, choices);
  return request;
}

}  // namespace als::pg
