// Reads the arguments of an evaluation.
#include "pg/evaluate/evaluation_arguments.h"

#include <limits>

#include "core/evaluate/flat_evaluation.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

std::vector<std::uint32_t> cutoffs_arg(FunctionCallInfo fcinfo, int index) {
  std::vector<std::uint32_t> cutoffs;
  for (const std::int64_t k : integers_arg(fcinfo, index, "k")) {
    if (k < 1 || k > PG_INT32_MAX)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("invalid k: %s", std::to_string(k).c_str()),
                      format("Lengths of lists are between 1 and %d.", PG_INT32_MAX));
    cutoffs.push_back(static_cast<std::uint32_t>(k));
  }
  if (cutoffs.size() > kMaxCutoffs)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, format("k holds %zu numbers", cutoffs.size()),
                    format("It may hold %zu.", kMaxCutoffs));
  return cutoffs;
}

std::optional<std::string> optional_name(const NamedArgs& args, const char* name) {
  if (args.is_null(name)) return std::nullopt;
  return std::string(NameStr(*DatumGetName(args.datum(name))));
}

}  // namespace

EvaluationRequest evaluation_request(const NamedArgs& args, const char* model) {
  FunctionCallInfo fcinfo = args.fcinfo();
  EvaluationRequest request;
  request.model = DatumGetObjectId(args.datum(model));
  request.test = args.text("test");
  request.cutoffs = cutoffs_arg(fcinfo, args["k"]);
  request.history = args.optional_text("history");
  request.candidates = args.optional_text("candidates");
  request.exclude_seen = args.flag("exclude_seen");
  if (!args.is_null("min_rating")) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    request.min_rating = float_arg(fcinfo, args["min_rating"], "min_rating", -kLargest, kLargest);
  }
  request.clip = args.has("clip") && args.flag("clip");  // not in 1.0
  request.user_col = optional_name(args, "user_col");
  request.item_col = optional_name(args, "item_col");
  request.rating_col = optional_name(args, "rating_col");
  request.threads = threads_arg(fcinfo, args["threads"]);
  if (args.has("seen")) request.seen = args.optional_text("seen");  // not in 1.0
  check_is_model(request.model);
  return request;
}

}  // namespace als::pg
