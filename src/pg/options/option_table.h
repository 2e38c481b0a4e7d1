// The options of a training, each described once.
//
// The table drives the arguments of als.train and its kin, options in JSON, the grid of als.tune,
// the columns of the model row, and what error messages and hints say of them.
#pragma once

#include <array>
#include <variant>

#include "core/train/options.h"
#include "pg/sql/json_value.h"
#include "pg/sql/spi.h"

namespace als::pg {

/// Each is the place of its option in the table.
enum class OptionId : std::size_t {
  kFeedback,
  kFactors,
  kIterations,
  kRegularization,
  kBiasRegularization,
  kRegExponent,
  kAlpha,
  kBiases,
  kNonnegative,
  kOnDuplicate,
  kHoldout,
  kTolerance,
  kSeed,
  kSolver,
  kFeatureRegularization,
  kFeatureStrength,
  kUserFeatureStrength,
  kNewItemShrinkage
};
inline constexpr std::size_t kOptionCount = 18;

/// A number, or an integer: a boolean as 0 or 1, a word as its place among the option's choices.
using OptionValue = std::variant<std::int64_t, double>;

inline double as_number(const OptionValue& value) {
  const std::int64_t* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

struct Option {
  enum class Type { kInteger, kBigint, kNumber, kBoolean, kChoice };
  enum Flag : unsigned {
    kNullable = 1,   ///< null leaves the choice to the training
    kTunable = 2,    ///< als.tune may vary it
    kZeroIsOff = 4,  ///< 0 is as good as leaving it out
  };

  const char* name;  ///< of the argument, the key in JSON and the column of the model row
  Type type;
  double min = 0;  ///< of an integer or a number
  double max = 0;
  std::array<const char*, 4> choices = {};
  unsigned flags = 0;
  std::optional<Feedback> only_for = std::nullopt;  ///< the one kind of feedback that has it

  bool is(Flag flag) const { return (flags & flag) != 0; }
  bool is_numeric() const { return type == Type::kInteger || type == Type::kNumber; }
  bool in_range(OptionValue value) const;

  /// What a value has to be, as a hint: for an argument, whose type the server has checked, and for
  /// JSON, where that is open too.
  std::string wanted() const;
  std::string wanted_in_json() const;

  /// The type of the argument and of the column.
  Oid sql_type() const;

  /// A value of that type. Throws 22023 naming the value if it is out of range.
  OptionValue from_datum(Datum datum) const;
  Param param(const std::optional<OptionValue>& value) const;

  /// Nothing for a value that is not of the type or out of range.
  std::optional<OptionValue> from_json(const JsonValue& value) const;
  std::string json(OptionValue value) const;

  /// The place of a word among the choices.
  std::optional<OptionValue> choice_named(const std::string& word) const;

  /// A number as a value of this type; integers come whole.
  OptionValue from_number(double number) const;
};

/// All of them, by OptionId.
extern const std::array<Option, kOptionCount> kOptionTable;

inline const Option& option(OptionId id) { return kOptionTable[static_cast<std::size_t>(id)]; }
inline OptionId id_of(const Option& option) {
  return static_cast<OptionId>(&option - kOptionTable.data());
}

/// Null if there is none of this name.
const Option* find_option(const std::string& name);

}  // namespace als::pg
