// Makes query parameters of C++ values.
#include "pg/sql/params.h"

namespace als::pg {

namespace {

Datum float8_array(const std::vector<double>& values) {
  return server([&] {
    std::size_t n = values.size();
    auto* datums = static_cast<Datum*>(palloc(std::max<std::size_t>(n, 1) * sizeof(Datum)));
    for (std::size_t i = 0; i < n; ++i) datums[i] = Float8GetDatum(values[i]);
    return PointerGetDatum(construct_array(datums, static_cast<int>(n), FLOAT8OID, sizeof(float8),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
  });
}

}  // namespace

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
  return {FLOAT8ARRAYOID, float8_array(values)};
}

Param new_version_param() {
  return {UUIDOID, server([] { return DirectFunctionCall1(gen_random_uuid, 0); })};
}

Param now_param() {
  return {TIMESTAMPTZOID, server([] { return TimestampTzGetDatum(GetCurrentTimestamp()); })};
}

Param int4_array_param(const std::vector<int>& values) {
  return {INT4ARRAYOID, server([&] {
            auto* datums = static_cast<Datum*>(palloc(values.size() * sizeof(Datum) + 1));
            std::transform(values.begin(), values.end(), datums,
                           [](int value) { return Int32GetDatum(value); });
            return PointerGetDatum(construct_array(datums, static_cast<int>(values.size()), INT4OID,
                                                   sizeof(int32), true, TYPALIGN_INT));
          })};
}

}  // namespace als::pg
