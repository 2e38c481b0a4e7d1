// Reads arguments, and refuses what is null or out of range.
#include "pg/server/args.h"

#include "core/base/limits.h"
#include "pg/server/settings.h"

namespace als::pg {

NamedArgs::NamedArgs(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  char** names = nullptr;
  int n = 0;
  server([&] {
    HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
    if (!HeapTupleIsValid(function)) elog(ERROR, "the function that was called is gone");
    Oid* types;
    char* modes;
    n = get_func_arg_info(function, &types, &names, &modes);
    ReleaseSysCache(function);
  });
  // Columns of the result come after the arguments.
  for (int i = 0; i < std::min<int>(n, fcinfo->nargs); ++i)
    names_.emplace_back(names == nullptr ? "" : names[i]);
}

int NamedArgs::place_of(const char* name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
}

int NamedArgs::operator[](const char* name) const {
  const int place = place_of(name);
  if (place < 0)
    throw UserError(ERRCODE_INTERNAL_ERROR, format("the function has no argument %s", name),
                    "Bring the extension to the library's version: alter extension als update.");
  return place;
}

bool NamedArgs::is_null(const char* name) const { return fcinfo_->args[(*this)[name]].isnull; }

std::string NamedArgs::text(const char* name) const {
  return text_arg(fcinfo_, (*this)[name], name);
}

std::optional<std::string> NamedArgs::optional_text(const char* name) const {
  if (is_null(name)) return std::nullopt;
  return text(name);
}

bool NamedArgs::flag(const char* name) const { return bool_arg(fcinfo_, (*this)[name], name); }

Datum NamedArgs::datum(const char* name) const {
  require_arg(fcinfo_, (*this)[name], name);
  return fcinfo_->args[(*this)[name]].value;
}

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED, "the function is a part of an aggregate",
                    "Call the aggregate.");
  return context;
}

void require_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  if (PG_ARGISNULL(index))
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, format("%s must not be null", name),
                    "Give it a value, or leave it out where it has a default.");
}

std::string text_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  text* value = server([&] { return PG_GETARG_TEXT_PP(index); });
  return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

std::string choice_arg(FunctionCallInfo fcinfo, int index, const char* name,
                       std::initializer_list<const char*> choices) {
  std::string value = text_arg(fcinfo, index, name);
  std::string list;
  for (const char* choice : choices) {
    if (value == choice) return value;
    list += (list.empty() ? "'" : ", '") + std::string(choice) + "'";
  }
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, format("invalid %s: '%s'", name, value.c_str()),
                  "Use one of " + list + ".");
}

int int_arg(FunctionCallInfo fcinfo, int index, const char* name, int low, int high) {
  require_arg(fcinfo, index, name);
  const bool is_bigint = get_fn_expr_argtype(fcinfo->flinfo, index) == INT8OID;
  const std::int64_t value = is_bigint ? PG_GETARG_INT64(index) : PG_GETARG_INT32(index);
  if (value < low || value > high)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("invalid %s: %s", name, std::to_string(value).c_str()),
                    format("It must be between %d and %d.", low, high));
  return static_cast<int>(value);
}

double float_arg(FunctionCallInfo fcinfo, int index, const char* name, double low, double high) {
  require_arg(fcinfo, index, name);
  double value = PG_GETARG_FLOAT8(index);
  // Written so that NaN fails too.
  if (!(value >= low && value <= high))
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("invalid %s: %s", name, shortest(value).c_str()),
                    format("It must be between %g and %g.", low, high));
  return value;
}

bool bool_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return PG_GETARG_BOOL(index);
}

int threads_arg(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return default_threads();
  return std::min(int_arg(fcinfo, index, "threads", 1, kMaxThreads), threads_limit());
}

std::string name_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return NameStr(*PG_GETARG_NAME(index));
}

}  // namespace als::pg
