// Reads and makes bytea values.
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

ByteView bytes_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  return view_of_bytea(PG_GETARG_DATUM(index));
}

ByteView slice_arg(FunctionCallInfo fcinfo, int index, const char* name, std::size_t from,
                   std::size_t n) {
  require_arg(fcinfo, index, name);
  bytea* value = server([&] {
    return PG_GETARG_BYTEA_P_SLICE(index, static_cast<int32>(from), static_cast<int32>(n));
  });
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

ByteView bytes_or_nothing(FunctionCallInfo fcinfo, int index) {
  return PG_ARGISNULL(index) ? ByteView() : bytes_arg(fcinfo, index, "");
}

bytea* bytea_of(std::initializer_list<ByteView> pieces) {
  return bytea_of(pieces, "Train with fewer factors, or fewer items.");
}

Datum bytea_datum(ByteView bytes) { return PointerGetDatum(bytea_of({bytes})); }

bytea* bytea_of_pair(ByteView first, ByteView second) {
  const std::uint64_t length = first.size();
  char header[sizeof(length)];
  std::memcpy(header, &length, sizeof(length));
  return bytea_of({{header, sizeof(header)}, first, second});
}

void refuse_constants(FunctionCallInfo fcinfo) {
  const bool has_row = server([&] {
    for (int i = 0; i < fcinfo->nargs; ++i)
      if (!get_fn_expr_arg_stable(fcinfo->flinfo, i)) return true;
    return false;
  });
  if (!has_row)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    "a step of a training cannot be called with constants alone",
                    "The function is called by distributed trainings alone, for rows of tables.");
}

BytePair read_pair(ByteView bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof(length)) throw InvalidBytes("these bytes are too short to be a pair");
  std::memcpy(&length, bytes.data(), sizeof(length));
  bytes.remove_prefix(sizeof(length));
  if (length > bytes.size()) throw InvalidBytes("these bytes are too short to be a pair");
  return {bytes.substr(0, length), bytes.substr(length)};
}

}  // namespace als::pg
