// The defaults of a training's options, and which options go together.
#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

// Chosen by measurement, as all defaults, see docs/choosing-options.md.
constexpr double kImplicitAlpha = 40;

/// Without biases the vectors carry the mean as well, which must not be lost where ratings are few.
double default_exponent(const TrainOptions& options) {
  return options.feedback == Feedback::kExplicit && !options.biases ? 1 : 0.5;
}

/// A good lambda depends on the exponent. Whatever that is, a row of a middling weight has the
/// ridge lambda W^e that proved good: 14.4 for a weight of 144, 400 for 40,000 (of implicit
/// feedback, where every item has a weight).
double default_regularization(const TrainOptions& options) {
  return options.feedback == Feedback::kImplicit ? 400 / std::pow(40000, options.reg_exponent)
                                                 : 14.4 / std::pow(144, options.reg_exponent);
}

}  // namespace

TrainOptions complete_options(const OptionChoices& choices) {
  choices.check_feedback();
  TrainOptions options;
  options.feedback = choices.feedback();
  const bool implicit = options.feedback == Feedback::kImplicit;
  options.factors = static_cast<int>(choices.integer(OptionId::kFactors, options.factors));
  options.iterations = static_cast<int>(choices.integer(OptionId::kIterations, options.iterations));
  if (implicit) options.alpha = choices.number(OptionId::kAlpha, kImplicitAlpha);
  options.biases = choices.flag(OptionId::kBiases, !implicit);
  options.reg_exponent = choices.number(OptionId::kRegExponent, default_exponent(options));
  options.regularization =
      choices.number(OptionId::kRegularization, default_regularization(options));
  options.nonnegative = choices.flag(OptionId::kNonnegative, options.nonnegative);
  options.tolerance = choices.number(OptionId::kTolerance, options.tolerance);
  options.seed = static_cast<std::uint64_t>(
      choices.integer(OptionId::kSeed, static_cast<std::int64_t>(options.seed)));
  options.solver = static_cast<Solver>(choices.integer(OptionId::kSolver, 0));
  if (options.nonnegative && options.solver == Solver::kConjugateGradients)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "conjugate gradients cannot keep factors from below zero",
                    "Leave solver out, or use nonnegative => false.");
  return options;
}

OptionChoices without_defaults(OptionChoices choices) {
  OptionChoices defaults = choices_of(TrainOptions{}, OnDuplicate::kAverage);
  defaults.set(OptionId::kHoldout, 0.0);
  for (const Option& option : kOptionTable) {
    const OptionId id = id_of(option);
    if (!option.is(Option::kNullable) && choices[id] == defaults[id]) choices.leave_open(id);
  }
  return choices;
}

}  // namespace als::pg
