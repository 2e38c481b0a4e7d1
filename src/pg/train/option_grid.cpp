#include "pg/train/option_grid.h"

#include <iterator>

namespace als::pg {

/// Values are numbers, whatever the type: a boolean is 0 or 1, a solver its place among the names.
struct OptionGrid::Option {
  enum class Type { kInteger, kNumber, kBoolean, kSolver };

  const char* name;
  Type type;
  double low;
  double high;
  void (*set)(OptionChoices&, double);

  bool is_numeric() const { return type == Type::kInteger || type == Type::kNumber; }

  std::string wanted() const {
    switch (type) {
      case Type::kInteger:
        return format("It must be an integer between %g and %g.", low, high);
      case Type::kNumber:
        return format("It must be a number between %g and %g.", low, high);
      case Type::kBoolean:
        return "It must be true or false.";
      case Type::kSolver:
        return "Use one of 'auto', 'direct', 'cg'.";
    }
    return "";
  }
};

const OptionGrid::Option OptionGrid::kOptions[] = {
    {"factors", Option::Type::kInteger, 1, kMaxFactors,
     [](OptionChoices& choices, double v) { choices.options.factors = static_cast<int>(v); }},
    {"iterations", Option::Type::kInteger, 1, kMaxIterations,
     [](OptionChoices& choices, double v) { choices.options.iterations = static_cast<int>(v); }},
    {"regularization", Option::Type::kNumber, 0, kMaxRegularization,
     [](OptionChoices& choices, double v) { choices.regularization = v; }},
    {"reg_exponent", Option::Type::kNumber, 0, kMaxRegExponent,
     [](OptionChoices& choices, double v) { choices.reg_exponent = v; }},
    {"alpha", Option::Type::kNumber, 0, kMaxAlpha,
     [](OptionChoices& choices, double v) { choices.alpha = v; }},
    {"biases", Option::Type::kBoolean, 0, 1,
     [](OptionChoices& choices, double v) { choices.biases = v != 0; }},
    {"nonnegative", Option::Type::kBoolean, 0, 1,
     [](OptionChoices& choices, double v) { choices.options.nonnegative = v != 0; }},
    {"solver", Option::Type::kSolver, 0, 2,
     [](OptionChoices& choices,
        double v) { choices.options.solver = static_cast<Solver>(static_cast<int>(v)); }},
    {"tolerance", Option::Type::kNumber, 0, 1,
     [](OptionChoices& choices, double v) { choices.options.tolerance = v; }}};

double OptionGrid::value_of(const Option& option, const JsonValue& value) {
  using Kind = JsonValue::Kind;
  double number = value.number;
  bool fits = false;
  switch (option.type) {
    case Option::Type::kInteger:
      fits = value.kind == Kind::kNumber && number == std::floor(number);
      break;
    case Option::Type::kNumber:
      fits = value.kind == Kind::kNumber;
      break;
    case Option::Type::kBoolean:
      fits = value.kind == Kind::kBoolean;
      number = value.boolean ? 1 : 0;
      break;
    case Option::Type::kSolver:
      for (const char* name : kSolverNames) {
        if (value.kind == Kind::kText && value.text == name) fits = true;
        if (!fits) ++number;
      }
      break;
  }
  if (fits && number >= option.low && number <= option.high) return number;
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("invalid %s in the grid: %s", option.name, value.shown().c_str()),
                  option.wanted());
}

HyperparameterSpace::Dimension OptionGrid::range_of(const Option& option, const JsonValue& range) {
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

HyperparameterSpace::Dimension OptionGrid::dimension_of(const Option& option,
                                                        const JsonValue& values) {
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

OptionGrid::OptionGrid(const JsonValue& grid) {
  for (const auto& [name, values] : grid.members) {
    const std::string& wanted = name;
    const Option* option =
        std::find_if(std::begin(kOptions), std::end(kOptions),
                     [&](const Option& candidate) { return wanted == candidate.name; });
    if (option == std::end(kOptions)) {
      std::string names;
      for (const Option& known : kOptions)
        names += (names.empty() ? "" : ", ") + std::string(known.name);
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

std::vector<TrainOptions> OptionGrid::trials(std::optional<int> trials,
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
  std::vector<TrainOptions> result;
  for (const HyperparameterSpace::Point& point :
       all ? space_.grid() : space_.sample(limit, common.options.seed)) {
    OptionChoices choices = common;
    for (std::size_t i = 0; i < options_.size(); ++i) options_[i]->set(choices, point[i]);
    result.push_back(complete_options(choices));
  }
  return result;
}

}  // namespace als::pg
