// Arguments of SQL functions.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// The arguments of a function with many of them, found by the names that the SQL script gives
/// them.
class NamedArgs {
 public:
  explicit NamedArgs(FunctionCallInfo fcinfo);

  bool has(const char* name) const { return place_of(name) >= 0; }

  /// The argument's place. Throws XX000 if the function has none of this name.
  int operator[](const char* name) const;

  bool is_null(const char* name) const;
  std::string text(const char* name) const;  ///< Throws 22004 where it is null.
  std::optional<std::string> optional_text(const char* name) const;
  bool flag(const char* name) const;    ///< Throws 22004 where it is null.
  Datum datum(const char* name) const;  ///< Throws 22004 where it is null.
  FunctionCallInfo fcinfo() const { return fcinfo_; }

 private:
  int place_of(const char* name) const;

  FunctionCallInfo fcinfo_;
  std::vector<std::string> names_;
};

/// The text of an argument that must not be null. Throws 22004.
std::string text_arg(FunctionCallInfo fcinfo, int index, const char* name);

/// The same for a choice among words. Throws 22023 naming the value and the choices.
std::string choice_arg(FunctionCallInfo fcinfo, int index, const char* name,
                       std::initializer_list<const char*> choices);

/// Throws 22004 if the argument is null.
void require_arg(FunctionCallInfo fcinfo, int index, const char* name);

/// An int or bigint (or float) argument within [low, high]. Throws 22004 or 22023.
int int_arg(FunctionCallInfo fcinfo, int index, const char* name, int low, int high);
double float_arg(FunctionCallInfo fcinfo, int index, const char* name, double low, double high);

/// Throws 22004 if the argument is null.
bool bool_arg(FunctionCallInfo fcinfo, int index, const char* name);

/// The argument `threads`, or als.threads where it is null, within als.threads_limit. Throws 22023.
int threads_arg(FunctionCallInfo fcinfo, int index);

/// What an aggregate keeps its state in. Throws 0A000 where none calls the function.
MemoryContext aggregate_context(FunctionCallInfo fcinfo);

/// A name that must not be null. Throws 22004.
std::string name_arg(FunctionCallInfo fcinfo, int index, const char* name);

}  // namespace als::pg
