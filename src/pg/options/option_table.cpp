// The table of options, and how their values are read, checked and shown.
#include "pg/options/option_table.h"

#include <charconv>

#include "core/base/limits.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {
using Type = Option::Type;
constexpr unsigned kTunable = Option::kTunable;
constexpr unsigned kNullable = Option::kNullable;
constexpr unsigned kZeroIsOff = Option::kZeroIsOff;

/// Nothing for what is not a whole number of 64 bits.
std::optional<OptionValue> whole_number(const std::string& text) {
  std::int64_t number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

[[noreturn]] void throw_invalid(const Option& option, const std::string& value) {
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("invalid %s: %s", option.name, value.c_str()), option.wanted());
}
}  // namespace

// name, type, min, max, choices, flags, only for
const std::array<Option, kOptionCount> kOptionTable{{
    {"feedback", Type::kChoice, 0, 0, {"explicit", "implicit"}},
    {"factors", Type::kInteger, 1, kMaxFactors, {}, kTunable},
    {"iterations", Type::kInteger, 1, kMaxIterations, {}, kTunable | kNullable},
    {"regularization", Type::kNumber, 0, kMaxRegularization, {}, kTunable | kNullable},
    {"bias_regularization",
     Type::kNumber,
     0,
     kMaxRegularization,
     {},
     kTunable | kNullable,
     Feedback::kExplicit},
    {"reg_exponent", Type::kNumber, 0, kMaxRegExponent, {}, kTunable | kNullable},
    {"alpha", Type::kNumber, 0, kMaxAlpha, {}, kTunable | kNullable, Feedback::kImplicit},
    {"biases", Type::kBoolean, 0, 0, {}, kTunable | kNullable, Feedback::kExplicit},
    {"nonnegative", Type::kBoolean, 0, 0, {}, kTunable},
    {"on_duplicate", Type::kChoice, 0, 0, {"average", "sum", "error", "last"}, kNullable},
    {"holdout", Type::kNumber, 0, kMaxHoldout, {}, kZeroIsOff},
    {"tolerance", Type::kNumber, 0, 1, {}, kTunable | kZeroIsOff},
    {"seed", Type::kBigint},
    {"solver", Type::kChoice, 0, 0, {"auto", "direct", "cg"}, kTunable},
    {"feature_regularization", Type::kNumber, 0, kMaxRegularization, {}, kTunable | kNullable},
    {"feature_strength", Type::kNumber, 1e-3, 1e3, {}, kTunable | kNullable},
    {"user_feature_strength", Type::kNumber, 1e-3, 1e3, {}, kTunable | kNullable},
    {"new_item_shrinkage", Type::kNumber, 0, 1e3, {}, kNullable, Feedback::kImplicit},
}};

const Option* find_option(const std::string& name) {
  const auto found = std::find_if(kOptionTable.begin(), kOptionTable.end(),
                                  [&](const Option& option) { return name == option.name; });
  return found == kOptionTable.end() ? nullptr : &*found;
}

bool Option::in_range(OptionValue value) const {
  if (!is_numeric()) return true;
  const double number = as_number(value);
  // Written so that NaN fails too.
  return number >= min && number <= max;
}

std::string Option::wanted() const {
  if (type != Type::kChoice) return format("It must be between %g and %g.", min, max);
  std::string list;
  for (const char* choice : choices) {
    if (choice != nullptr) list += (list.empty() ? "'" : ", '") + std::string(choice) + "'";
  }
  return "Use one of " + list + ".";
}

std::string Option::wanted_in_json() const {
  switch (type) {
    case Type::kInteger:
      return format("It must be an integer between %g and %g.", min, max);
    case Type::kNumber:
      return format("It must be a number between %g and %g.", min, max);
    case Type::kBoolean:
      return "It must be true or false.";
    case Type::kBigint:
      return "It must be an integer.";
    case Type::kChoice:
      break;
  }
  return wanted();
}

Oid Option::sql_type() const {
  switch (type) {
    case Type::kInteger:
      return INT4OID;
    case Type::kBigint:
      return INT8OID;
    case Type::kNumber:
      return FLOAT8OID;
    case Type::kBoolean:
      return BOOLOID;
    case Type::kChoice:
      break;
  }
  return TEXTOID;
}

std::optional<OptionValue> Option::choice_named(const std::string& word) const {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] != nullptr && word == choices[i]) return static_cast<std::int64_t>(i);
  }
  return std::nullopt;
}

OptionValue Option::from_datum(Datum datum) const {
  OptionValue value;
  switch (type) {
    case Type::kInteger:
      value = std::int64_t{DatumGetInt32(datum)};
      break;
    case Type::kBigint:
      return std::int64_t{DatumGetInt64(datum)};
    case Type::kBoolean:
      return std::int64_t{DatumGetBool(datum) ? 1 : 0};
    case Type::kNumber:
      value = DatumGetFloat8(datum);
      break;
    case Type::kChoice:
      const std::string word = text_value(datum);
      if (const auto choice = choice_named(word)) return *choice;
      throw_invalid(*this, "'" + word + "'");
  }
  if (!in_range(value)) throw_invalid(*this, json(value));
  return value;
}

Param Option::param(const std::optional<OptionValue>& value) const {
  if (!value) return {sql_type(), 0, true};
  const std::int64_t* integer = std::get_if<std::int64_t>(&*value);
  switch (type) {
    case Type::kInteger:
      return int_param(static_cast<int>(*integer));
    case Type::kBigint:
      return bigint_param(*integer);
    case Type::kNumber:
      return float_param(as_number(*value));
    case Type::kBoolean:
      return bool_param(*integer != 0);
    case Type::kChoice:
      break;
  }
  return text_param(choices[static_cast<std::size_t>(*integer)]);
}

std::optional<OptionValue> Option::from_json(const JsonValue& value) const {
  using Kind = JsonValue::Kind;
  std::optional<OptionValue> result;
  switch (type) {
    case Type::kBigint:
      if (value.kind == Kind::kNumber) result = whole_number(value.text);
      break;
    case Type::kInteger:
      if (value.kind == Kind::kNumber && value.number == std::floor(value.number) &&
          std::fabs(value.number) < 0x1p63)
        result = from_number(value.number);
      break;
    case Type::kNumber:
      if (value.kind == Kind::kNumber) result = value.number;
      break;
    case Type::kBoolean:
      if (value.kind == Kind::kBoolean) result = std::int64_t{value.boolean ? 1 : 0};
      break;
    case Type::kChoice:
      if (value.kind == Kind::kText) result = choice_named(value.text);
      break;
  }
  return result && in_range(*result) ? result : std::nullopt;
}

std::string Option::json(OptionValue value) const {
  switch (type) {
    case Type::kNumber:
      return shortest(as_number(value));
    case Type::kBoolean:
      return std::get<std::int64_t>(value) != 0 ? "true" : "false";
    case Type::kChoice:
      return json_quoted(choices[static_cast<std::size_t>(std::get<std::int64_t>(value))]);
    case Type::kInteger:
    case Type::kBigint:
      break;
  }
  return std::to_string(std::get<std::int64_t>(value));
}

OptionValue Option::from_number(double number) const {
  if (type == Type::kNumber) return number;
  return static_cast<std::int64_t>(number);
}

}  // namespace als::pg
