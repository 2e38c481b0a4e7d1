// Makes and reads bytea values.
#include "pg/sql/bytea_value.h"

#include <algorithm>

namespace als::pg {

bytea* new_bytea(std::size_t bytes, const char* hint) {
  const std::size_t size = VARHDRSZ + bytes;
  if (size > MaxAllocSize)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("%zu bytes are more than a value can hold", size), hint);
  auto* value = static_cast<bytea*>(server([&] { return palloc(size); }));
  SET_VARSIZE(value, size);
  return value;
}

bytea* bytea_of(std::initializer_list<std::string_view> pieces, const char* hint) {
  std::size_t bytes = 0;
  for (const std::string_view& piece : pieces) bytes += piece.size();
  bytea* value = new_bytea(bytes, hint);
  char* place = VARDATA(value);
  for (const std::string_view& piece : pieces) place = std::copy(piece.begin(), piece.end(), place);
  return value;
}

bytea* bytea_to_change(FunctionCallInfo fcinfo, int index) {
  return server([&] {
    return AggCheckCallContext(fcinfo, nullptr) == 0 ? PG_GETARG_BYTEA_P_COPY(index)
                                                     : PG_GETARG_BYTEA_P(index);
  });
}

std::string_view view_of_bytea(Datum value) {
  const bytea* bytes = server([&] { return DatumGetByteaPP(value); });
  return {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
}

}  // namespace als::pg
