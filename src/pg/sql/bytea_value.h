// bytea values: new ones, those to be changed, and the bytes in one.
#pragma once

#include <initializer_list>
#include <string_view>

#include "pg/server/guard.h"

namespace als::pg {

/// A bytea for so many bytes, which are to be written. Throws 54000 beyond 1 GB, with this hint.
bytea* new_bytea(std::size_t bytes, const char* hint);

/// A bytea of these pieces, one after the other. Throws the same.
bytea* bytea_of(std::initializer_list<std::string_view> pieces, const char* hint);

/// An argument to write into: itself where an aggregate calls, whose state it is, else a copy.
bytea* bytea_to_change(FunctionCallInfo fcinfo, int index);

/// The bytes of a value, detoasted.
std::string_view view_of_bytea(Datum value);

}  // namespace als::pg
