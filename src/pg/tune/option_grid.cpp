// From JSON to the points of a space of hyperparameters.
#include "pg/tune/option_grid.h"
#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

/// Points of the space are numbers, whatever the option's type.
double value_of(const Option& option, const JsonValue& value) {
  if (const auto found = option.from_json(value)) return as_number(*found);
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("invalid %s in the grid: %s", option.name, value.shown().c_str()),
                  option.wanted_in_json());
}

HyperparameterSpace::Dimension range_of(const Option& option, const JsonValue& range) {
  const char* hint =
      "A range is like {\"min\": 0.01, \"max\": 1, \"scale\": \"log\"}; the scale "
      "is 'linear' unless it is 'log'.";
  auto refuse = [&](const std::string& what) {
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("invalid range of %s in the grid: %s", option.name, what.c_str()), hint);
  };
  if (!option.is_numeric())
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("%s has no range in the grid", option.name), "Give an array of values.");
  HyperparameterSpace::Dimension dimension;
  dimension.integral = option.type == Option::Type::kInteger;
  bool has_min = false;
  bool has_max = false;
  for (const auto& [key, value] : range.members) {
    if (key == "min") {
      dimension.min = value_of(option, value);
      has_min = true;
    } else if (key == "max") {
      dimension.max = value_of(option, value);
      has_max = true;
    } else if (key == "scale" && value.kind == JsonValue::Kind::kText &&
               (value.text == "log" || value.text == "linear")) {
      dimension.logarithmic = value.text == "log";
    } else if (key == "scale") {
      refuse("scale " + value.shown());
    } else {
      refuse("key \"" + key + "\"");
    }
  }
  if (!has_min || !has_max) refuse(has_min ? "max is missing" : "min is missing");
  if (dimension.min > dimension.max) refuse("min is above max");
  if (dimension.logarithmic && dimension.min <= 0) refuse("a logarithmic scale has no place for 0");
  return dimension;
}

HyperparameterSpace::Dimension dimension_of(const Option& option, const JsonValue& values) {
  if (values.kind == JsonValue::Kind::kObject) return range_of(option, values);
  HyperparameterSpace::Dimension dimension;
  if (values.kind != JsonValue::Kind::kArray) {
    dimension.values.push_back(value_of(option, values));
    return dimension;
  }
  if (values.elements.empty())
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("%s has no values in the grid", option.name),
                    "Give at least one, or leave the option out.");
  for (const JsonValue& value : values.elements)
    dimension.values.push_back(value_of(option, value));
  return dimension;
}

}  // namespace

OptionGrid::OptionGrid(const JsonValue& grid) {
  for (const auto& [name, values] : grid.members) {
    const Option* option = find_option(name);
    if (option == nullptr || !option->is(Option::kTunable)) {
      std::string names;
      for (const Option& known : kOptionTable) {
        if (known.is(Option::kTunable))
          names += (names.empty() ? "" : ", ") + std::string(known.name);
      }
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("\"%s\" is not an option that can be tuned", name.c_str()),
                      "These are: " + names +
                          ". What is the same for all trials, such as the "
                          "seed, is an argument of als.tune.");
    }
    options_.push_back(option);
    space_.add(dimension_of(*option, values));
  }
}

std::vector<OptionChoices> OptionGrid::trials(std::optional<int> trials,
                                              const OptionChoices& common) const {
  if (!trials && space_.has_ranges())
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "a range in the grid has no end of values",
                    "Say how many random ones to try with trials => 20, or give arrays.");
  std::size_t limit = static_cast<std::size_t>(trials.value_or(kMaxTrials));
  bool all = !space_.has_ranges() && space_.combinations(limit) <= limit;
  if (!all && !trials)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("the grid has more than %d combinations", kMaxTrials),
                    "Try some of them at random with trials => 50, or give fewer values.");
  const auto seed = static_cast<std::uint64_t>(common.integer(OptionId::kSeed, 0));
  std::vector<OptionChoices> result;
  for (const HyperparameterSpace::Point& point : all ? space_.grid() : space_.sample(limit, seed)) {
    OptionChoices choices = common;
    for (std::size_t i = 0; i < options_.size(); ++i)
      choices.set(id_of(*options_[i]), options_[i]->from_number(point[i]));
    provisional_options(choices);  // throws where they do not go together
    result.push_back(choices);
  }
  return result;
}

}  // namespace als::pg
