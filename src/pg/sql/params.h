// Query parameters from C++ values.
#pragma once

#include "pg/sql/spi.h"

namespace als::pg {

Param text_param(const char* value);
Param name_param(const std::string& value);
Param class_param(Oid relation);  ///< null for InvalidOid
Param bigint_param(std::int64_t value);
Param bool_param(bool value);
Param int_param(int value);
Param real_param(float value);
Param float_param(double value);
Param jsonb_param(const std::string& json);

/// An array of values that to_datum(value, is_null) makes; is_null comes false. Within the server's
/// error handling.
template <class Value, class ToDatum>
Param array_param(Oid element, const std::vector<Value>& values, const ToDatum& to_datum) {
  return server([&]() -> Param {
    const std::size_t n = values.size();
    auto* datums = static_cast<Datum*>(palloc(n * sizeof(Datum) + 1));
    auto* nulls = static_cast<bool*>(palloc0(n * sizeof(bool) + 1));
    for (std::size_t i = 0; i < n; ++i) datums[i] = to_datum(values[i], nulls[i]);
    int16 length;
    bool by_value;
    char alignment;
    get_typlenbyvalalign(element, &length, &by_value, &alignment);
    int size = static_cast<int>(n);
    int lower = 1;
    return {get_array_type(element),
            PointerGetDatum(construct_md_array(datums, nulls, 1, &size, &lower, element, length,
                                               by_value, alignment))};
  });
}

Param float8_array_param(const std::vector<double>& values);
Param int4_array_param(const std::vector<int>& values);
Param bigint_array_param(const std::vector<std::int64_t>& values);

/// A uuid never used before, and the time. Citus takes no function in an UPDATE that gives another
/// value each time, so both are computed before.
Param new_version_param();
Param now_param();

}  // namespace als::pg
