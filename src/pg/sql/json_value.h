// What an argument of type jsonb holds.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

struct JsonValue {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };
  using Member = std::pair<std::string, JsonValue>;

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;  ///< of a text; a number's digits; what a boolean is in SQL
  std::vector<JsonValue> elements;
  std::vector<Member> members;

  /// The value as messages show it.
  std::string shown() const;
};

/// The value of a jsonb. A number that is too large for double precision is infinite. Throws 22023
/// if it is nested more deeply than options can be.
JsonValue json_value(Datum jsonb);

/// The same for a jsonb that must be an object: otherwise throws 22023 naming `argument`.
JsonValue json_object(Datum jsonb, const char* argument);

/// A text as JSON has it, in quotes.
std::string json_quoted(const std::string& text);

/// A number as JSON has it, with as many digits as it takes to read the same again.

}  // namespace als::pg
