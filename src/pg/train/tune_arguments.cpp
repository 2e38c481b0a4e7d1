// From the arguments of als.tune to the trials that they ask for.
#include "pg/train/tune_arguments.h"

#include "pg/train/option_grid.h"

namespace als::pg {

namespace {

std::vector<TrainOptions> trials_from(const NamedArgs& args, const OptionChoices& common) {
  OptionGrid grid(json_object(args.datum("grid"), "grid"));
  std::optional<int> trials;
  if (!args.is_null("trials"))
    trials = int_arg(args.fcinfo(), args["trials"], "trials", 1, OptionGrid::kMaxTrials);
  return grid.trials(trials, common);
}

}  // namespace

TuneRequest tune_request(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  const std::string source = args.text("source");
  const OptionChoices common = option_args(args);
  const Feedback feedback = common.feedback();
  const std::optional<std::string> metric = args.optional_text("metric");
  TuneRequest request{{},
                      {},
                      trials_from(args, common),
                      metric ? HoldoutMetric(*metric, feedback) : HoldoutMetric(feedback),
                      common.number(OptionId::kHoldout, 0),
                      common.on_duplicate(),
                      static_cast<std::uint64_t>(common.integer(OptionId::kSeed, 0)),
                      threads_arg(fcinfo, args["threads"]),
                      args.flag("stop_early"),
                      args.optional_text("results")};
  const std::optional<std::string> test = args.optional_text("test");
  if (!test && request.holdout == 0)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "nothing is left to judge the trials by",
                    "Use a holdout above 0, or name a test.");
  request.source = source_from(args, source);
  if (test) request.test = source_from(args, *test);
  return request;
}

}  // namespace als::pg
