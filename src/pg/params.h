// Query parameters from C++ values. Calls the server.
#pragma once

#include "pg/spi.h"

namespace als::pg {

inline Param text_param(const char* value) {
  return {TEXTOID, server([&] { return CStringGetTextDatum(value); })};
}
inline Param name_param(const std::string& value) {
  return {NAMEOID,
          server([&] { return DirectFunctionCall1(namein, CStringGetDatum(value.c_str())); })};
}
inline Param class_param(Oid relation) {
  return {REGCLASSOID, ObjectIdGetDatum(relation), !OidIsValid(relation)};
}
inline Param bigint_param(std::int64_t value) { return {INT8OID, Int64GetDatum(value)}; }
inline Param bool_param(bool value) { return {BOOLOID, BoolGetDatum(value)}; }
inline Param int_param(int value) { return {INT4OID, Int32GetDatum(value)}; }
inline Param float_param(double value) {
  return {FLOAT8OID, server([&] { return Float8GetDatum(value); })};
}

}  // namespace als::pg
