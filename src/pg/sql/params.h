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
Param float8_array_param(const std::vector<double>& values);
Param int4_array_param(const std::vector<int>& values);

/// A uuid never used before, and the time. Citus takes no function in an UPDATE that gives another
/// value each time, so both are computed before.
Param new_version_param();
Param now_param();

}  // namespace als::pg
