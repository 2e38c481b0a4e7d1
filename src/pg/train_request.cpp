#include "pg/train_request.h"

#include "pg/args.h"

namespace als::pg {

namespace {

// Defaults chosen by measurement, see "Choosing options" in the README.
constexpr double kExplicitRegularization = 0.1;
constexpr double kImplicitRegularization = 0.01;
constexpr double kImplicitAlpha = 40;

enum Argument {
  kModel,
  kSource,
  kUserCol,
  kItemCol,
  kRatingCol,
  kFeedback,
  kFactors,
  kIterations,
  kRegularization,
  kRegExponent,
  kAlpha,
  kBiases,
  kNonnegative,
  kOnDuplicate,
  kHoldout,
  kTolerance,
  kSeed,
  kSolver,
  kThreads,
  kReplace,
  kWarmStart,
  kUnlogged
};

Solver solver_from(FunctionCallInfo fcinfo) {
  std::string choice = choice_arg(fcinfo, kSolver, "solver", {"auto", "direct", "cg"});
  if (choice == "direct") return Solver::kDirect;
  return choice == "cg" ? Solver::kConjugateGradients : Solver::kAuto;
}

TrainOptions options_from(FunctionCallInfo fcinfo) {
  TrainOptions options;
  bool implicit = choice_arg(fcinfo, kFeedback, "feedback", {"explicit", "implicit"}) == "implicit";
  options.feedback = implicit ? Feedback::kImplicit : Feedback::kExplicit;
  options.factors = int_arg(fcinfo, kFactors, "factors", 1, kMaxFactors);
  options.iterations = int_arg(fcinfo, kIterations, "iterations", 1, 10000);
  options.regularization =
      PG_ARGISNULL(kRegularization)
          ? (implicit ? kImplicitRegularization : kExplicitRegularization)
          : float_arg(fcinfo, kRegularization, "regularization", 0, kMaxRegularization);
  options.reg_exponent = float_arg(fcinfo, kRegExponent, "reg_exponent", 0, kMaxRegExponent);
  if (implicit) {
    options.alpha =
        PG_ARGISNULL(kAlpha) ? kImplicitAlpha : float_arg(fcinfo, kAlpha, "alpha", 0, kMaxAlpha);
  } else if (!PG_ARGISNULL(kAlpha)) {
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "alpha is for implicit feedback",
                    "Leave alpha out, or use feedback => 'implicit'.");
  }
  options.biases = PG_ARGISNULL(kBiases) ? !implicit : PG_GETARG_BOOL(kBiases);
  if (implicit && options.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "biases are for explicit feedback",
                    "Leave biases out, or use feedback => 'explicit'.");
  options.nonnegative = bool_arg(fcinfo, kNonnegative, "nonnegative");
  options.solver = solver_from(fcinfo);
  if (options.nonnegative && options.solver == Solver::kConjugateGradients)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "conjugate gradients cannot keep factors from below zero",
                    "Leave solver out, or use nonnegative => false.");
  require_arg(fcinfo, kSeed, "seed");
  options.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed));
  return options;
}

}  // namespace

TrainRequest train_request(FunctionCallInfo fcinfo) {
  TrainRequest request;
  request.model = text_arg(fcinfo, kModel, "model");
  std::string source = text_arg(fcinfo, kSource, "source");
  request.options = options_from(fcinfo);
  request.on_duplicate = on_duplicate_arg(fcinfo, kOnDuplicate, request.options.feedback);
  request.threads = threads_arg(fcinfo, kThreads);
  request.holdout = float_arg(fcinfo, kHoldout, "holdout", 0, 0.99);
  request.tolerance = float_arg(fcinfo, kTolerance, "tolerance", 0, 1);
  request.replace = bool_arg(fcinfo, kReplace, "replace");
  request.warm_start = bool_arg(fcinfo, kWarmStart, "warm_start");
  if (request.warm_start && !request.replace)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "warm_start is for training an existing model anew",
                    "Use replace => true as well.");
  request.unlogged = bool_arg(fcinfo, kUnlogged, "unlogged");

  request.source = parse_source(source);
  request.source.user_col = name_arg(fcinfo, kUserCol, "user_col");
  request.source.item_col = name_arg(fcinfo, kItemCol, "item_col");
  if (!PG_ARGISNULL(kRatingCol)) request.source.rating_col = name_arg(fcinfo, kRatingCol, "");
  return request;
}

}  // namespace als::pg
