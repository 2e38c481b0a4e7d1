// Makes query parameters of C++ values.
#include "pg/sql/params.h"

namespace als::pg {

Param text_param(const char* value) {
  return {TEXTOID, server([&] { return CStringGetTextDatum(value); })};
}
Param name_param(const std::string& value) {
  return {NAMEOID,
          server([&] { return DirectFunctionCall1(namein, CStringGetDatum(value.c_str())); })};
}
Param class_param(Oid relation) {
  return {REGCLASSOID, ObjectIdGetDatum(relation), !OidIsValid(relation)};
}
Param bigint_param(std::int64_t value) { return {INT8OID, Int64GetDatum(value)}; }
Param bool_param(bool value) { return {BOOLOID, BoolGetDatum(value)}; }
Param int_param(int value) { return {INT4OID, Int32GetDatum(value)}; }
Param real_param(float value) { return {FLOAT4OID, Float4GetDatum(value)}; }
Param float_param(double value) {
  return {FLOAT8OID, server([&] { return Float8GetDatum(value); })};
}

Param jsonb_param(const std::string& json) {
  return {JSONBOID,
          server([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str())); })};
}

Param float8_array_param(const std::vector<double>& values) {
  return array_param(FLOAT8OID, values, [](double value, bool&) { return Float8GetDatum(value); });
}

Param new_version_param() {
  return {UUIDOID, server([] { return DirectFunctionCall1(gen_random_uuid, 0); })};
}

Param now_param() {
  return {TIMESTAMPTZOID, server([] { return TimestampTzGetDatum(GetCurrentTimestamp()); })};
}

Param int4_array_param(const std::vector<int>& values) {
  return array_param(INT4OID, values, [](int value, bool&) { return Int32GetDatum(value); });
}

Param bigint_array_param(const std::vector<std::int64_t>& values) {
  return array_param(INT8OID, values,
                     [](std::int64_t value, bool&) { return Int64GetDatum(value); });
}

}  // namespace als::pg
