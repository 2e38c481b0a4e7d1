// Reads choices, and refuses those that the feedback does not have.
#include "pg/options/option_choices.h"

namespace als::pg {

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

std::string OptionChoices::json() const {
  std::string members;
  for (const Option& option : kOptionTable)
    if (const auto& value = (*this)[id_of(option)])
      members +=
          (members.empty() ? "" : ", ") + json_quoted(option.name) + ": " + option.json(*value);
  return "{" + members + "}";
}

OptionChoices choices_from_json(const JsonValue& object) {
  OptionChoices choices;
  for (const auto& [name, json] : object.members) {
    const Option* option = find_option(name);
    if (option == nullptr) continue;
    const auto value = option->from_json(json);
    if (!value)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("invalid %s: %s", option->name, json.shown().c_str()),
                      option->wanted_in_json());
    choices.set(id_of(*option), *value);
  }
  return choices;
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
  if (options.biases) choices.set(OptionId::kBiasRegularization, options.bias_regularization);
  set(OptionId::kBiases, options.biases);
  set(OptionId::kNonnegative, options.nonnegative);
  set(OptionId::kOnDuplicate, on_duplicate);
  choices.set(OptionId::kTolerance, options.tolerance);
  set(OptionId::kSeed, options.seed);
  set(OptionId::kSolver, options.solver);
  return choices;
}

void add_feature_options(const TrainOptions& options, bool of_users, bool of_items,
                         OptionChoices& choices) {
  if (of_users || of_items)
    choices.set(OptionId::kFeatureRegularization, options.feature_regularization);
  if (of_items) choices.set(OptionId::kFeatureStrength, options.feature_strength);
  if (of_items && options.feedback == Feedback::kImplicit)
    choices.set(OptionId::kNewItemShrinkage, options.new_item_shrinkage);
  if (of_users) choices.set(OptionId::kUserFeatureStrength, options.user_feature_strength);
}

const char* feedback_name(Feedback feedback) {
  return option(OptionId::kFeedback).choices[static_cast<std::size_t>(feedback)];
}

}  // namespace als::pg
