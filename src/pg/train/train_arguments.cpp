#include "pg/train/train_arguments.h"

#include "pg/server/args.h"

namespace als::pg {

namespace {

// Chosen by measurement, as all defaults, see "Choosing options" in the README.
constexpr double kImplicitAlpha = 40;

/// Without biases the vectors carry the mean as well, which must not be lost where ratings are few.
double default_exponent(const TrainOptions& options) {
  return options.feedback == Feedback::kExplicit && !options.biases ? 1 : 0.5;
}

/// A good lambda hangs on the exponent. Whatever that is, a row of a middling weight has the ridge
/// lambda W^e that proved good: 14.4 for a weight of 144, 400 for 40,000 (of implicit feedback,
/// where every item has a weight).
double default_regularization(const TrainOptions& options) {
  return options.feedback == Feedback::kImplicit ? 400 / std::pow(40000, options.reg_exponent)
                                                 : 14.4 / std::pow(144, options.reg_exponent);
}

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

OptionChoices choices_from(FunctionCallInfo fcinfo) {
  OptionChoices choices;
  TrainOptions& options = choices.options;
  options.feedback = feedback_arg(fcinfo, kFeedback);
  options.factors = int_arg(fcinfo, kFactors, "factors", 1, kMaxFactors);
  options.iterations = int_arg(fcinfo, kIterations, "iterations", 1, kMaxIterations);
  if (!PG_ARGISNULL(kRegularization))
    choices.regularization =
        float_arg(fcinfo, kRegularization, "regularization", 0, kMaxRegularization);
  if (!PG_ARGISNULL(kRegExponent))
    choices.reg_exponent = float_arg(fcinfo, kRegExponent, "reg_exponent", 0, kMaxRegExponent);
  if (!PG_ARGISNULL(kAlpha)) choices.alpha = float_arg(fcinfo, kAlpha, "alpha", 0, kMaxAlpha);
  if (!PG_ARGISNULL(kBiases)) choices.biases = PG_GETARG_BOOL(kBiases);
  options.nonnegative = bool_arg(fcinfo, kNonnegative, "nonnegative");
  std::string solver = choice_arg(fcinfo, kSolver, "solver", {"auto", "direct", "cg"});
  for (int s = 0; s < 3; ++s) {
    if (solver == kSolverNames[s]) options.solver = static_cast<Solver>(s);
  }
  options.tolerance = float_arg(fcinfo, kTolerance, "tolerance", 0, 1);
  require_arg(fcinfo, kSeed, "seed");
  options.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed));
  return choices;
}

}  // namespace

TrainOptions complete_options(const OptionChoices& choices) {
  TrainOptions options = choices.options;
  bool implicit = options.feedback == Feedback::kImplicit;
  if (implicit) options.alpha = choices.alpha.value_or(kImplicitAlpha);
  if (!implicit && choices.alpha)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "alpha is for implicit feedback",
                    "Leave alpha out, or use feedback => 'implicit'.");
  options.biases = choices.biases.value_or(!implicit);
  if (implicit && options.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "biases are for explicit feedback",
                    "Leave biases out, or use feedback => 'explicit'.");
  options.reg_exponent = choices.reg_exponent.value_or(default_exponent(options));
  options.regularization = choices.regularization.value_or(default_regularization(options));
  if (options.nonnegative && options.solver == Solver::kConjugateGradients)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "conjugate gradients cannot keep factors from below zero",
                    "Leave solver out, or use nonnegative => false.");
  return options;
}

OnDuplicate on_duplicate_arg(FunctionCallInfo fcinfo, int index, Feedback feedback) {
  if (PG_ARGISNULL(index))
    return feedback == Feedback::kExplicit ? OnDuplicate::kAverage : OnDuplicate::kSum;
  std::string choice = choice_arg(fcinfo, index, "on_duplicate", {"average", "sum", "error"});
  if (choice == "average") return OnDuplicate::kAverage;
  return choice == "sum" ? OnDuplicate::kSum : OnDuplicate::kError;
}

Feedback feedback_arg(FunctionCallInfo fcinfo, int index) {
  bool implicit = choice_arg(fcinfo, index, "feedback", {"explicit", "implicit"}) == "implicit";
  return implicit ? Feedback::kImplicit : Feedback::kExplicit;
}

const char* feedback_name(Feedback feedback) {
  return feedback == Feedback::kImplicit ? "implicit" : "explicit";
}

void columns_from(FunctionCallInfo fcinfo, int user_col, int item_col, int rating_col,
                  RatingSource& source) {
  source.user_col = name_arg(fcinfo, user_col, "user_col");
  source.item_col = name_arg(fcinfo, item_col, "item_col");
  if (!PG_ARGISNULL(rating_col)) source.rating_col = name_arg(fcinfo, rating_col, "");
}

TrainRequest train_request(FunctionCallInfo fcinfo) {
  TrainRequest request;
  request.model = text_arg(fcinfo, kModel, "model");
  std::string source = text_arg(fcinfo, kSource, "source");
  request.options = complete_options(choices_from(fcinfo));
  request.on_duplicate = on_duplicate_arg(fcinfo, kOnDuplicate, request.options.feedback);
  request.threads = threads_arg(fcinfo, kThreads);
  request.holdout = float_arg(fcinfo, kHoldout, "holdout", 0, 0.99);
  request.replace = bool_arg(fcinfo, kReplace, "replace");
  request.warm_start = bool_arg(fcinfo, kWarmStart, "warm_start");
  if (request.warm_start && !request.replace)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "warm_start is for training an existing model anew",
                    "Use replace => true as well.");
  request.unlogged = bool_arg(fcinfo, kUnlogged, "unlogged");

  request.source = parse_source(source);
  columns_from(fcinfo, kUserCol, kItemCol, kRatingCol, request.source);
  return request;
}

}  // namespace als::pg
