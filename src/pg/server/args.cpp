#include "pg/server/args.h"

#include "core/base/limits.h"
#include "pg/server/settings.h"

namespace als::pg {

void require_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  if (PG_ARGISNULL(index))
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, format("%s must not be null", name));
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
  int value = PG_GETARG_INT32(index);
  if (value < low || value > high)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, format("invalid %s: %d", name, value),
                    format("It must be between %d and %d.", low, high));
  return value;
}

double float_arg(FunctionCallInfo fcinfo, int index, const char* name, double low, double high) {
  require_arg(fcinfo, index, name);
  double value = PG_GETARG_FLOAT8(index);
  // Written so that NaN fails too.
  if (!(value >= low && value <= high))
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, format("invalid %s: %g", name, value),
                    format("It must be between %g and %g.", low, high));
  return value;
}

bool bool_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return PG_GETARG_BOOL(index);
}

int threads_arg(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return default_threads();
  return int_arg(fcinfo, index, "threads", 1, kMaxThreads);
}

std::string name_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return NameStr(*PG_GETARG_NAME(index));
}

}  // namespace als::pg
