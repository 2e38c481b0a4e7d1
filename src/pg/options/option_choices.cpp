// The defaults of options, and which go together.
#include "pg/options/option_choices.h"

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

std::int64_t OptionChoices::integer(OptionId id, std::int64_t otherwise) const {
  const auto& value = (*this)[id];
  return value ? std::get<std::int64_t>(*value) : otherwise;
}

double OptionChoices::number(OptionId id, double otherwise) const {
  const auto& value = (*this)[id];
  return value ? std::get<double>(*value) : otherwise;
}

OnDuplicate OptionChoices::on_duplicate() const {
  const OnDuplicate suitable =
      feedback() == Feedback::kExplicit ? OnDuplicate::kAverage : OnDuplicate::kSum;
  return static_cast<OnDuplicate>(
      integer(OptionId::kOnDuplicate, static_cast<std::int64_t>(suitable)));
}

void OptionChoices::check_feedback() const {
  for (const Option& option : kOptionTable) {
    const auto& value = (*this)[id_of(option)];
    if (!value || !option.only_for || *option.only_for == feedback()) continue;
    // Saying no to what is not there does no harm.
    if (option.type == Option::Type::kBoolean && std::get<std::int64_t>(*value) == 0) continue;
    const char* verb = option.name[std::strlen(option.name) - 1] == 's' ? "are" : "is";
    const char* feedback = feedback_name(*option.only_for);
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("%s %s for %s feedback", option.name, verb, feedback),
                    format("Leave %s out, or use feedback => '%s'.", option.name, feedback));
  }
}

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

OptionChoices choices_of(const TrainOptions& options, OnDuplicate on_duplicate) {
  OptionChoices choices;
  const auto set = [&](OptionId id, auto value) {
    choices.set(id, static_cast<std::int64_t>(value));
  };
  set(OptionId::kFeedback, options.feedback);
  set(OptionId::kFactors, options.factors);
  set(OptionId::kIterations, options.iterations);
  choices.set(OptionId::kRegularization, options.regularization);
  choices.set(OptionId::kRegExponent, options.reg_exponent);
  if (options.feedback == Feedback::kImplicit) choices.set(OptionId::kAlpha, options.alpha);
  set(OptionId::kBiases, options.biases);
  set(OptionId::kNonnegative, options.nonnegative);
  set(OptionId::kOnDuplicate, on_duplicate);
  choices.set(OptionId::kTolerance, options.tolerance);
  set(OptionId::kSeed, options.seed);
  set(OptionId::kSolver, options.solver);
  return choices;
}

const char* feedback_name(Feedback feedback) {
  return option(OptionId::kFeedback).choices[static_cast<std::size_t>(feedback)];
}

}  // namespace als::pg
