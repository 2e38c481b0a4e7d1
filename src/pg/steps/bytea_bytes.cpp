// Reads and makes bytea values.
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

ByteView bytes_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  bytea* value = server([&] { return PG_GETARG_BYTEA_PP(index); });
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
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
  std::size_t size = VARHDRSZ;
  for (const ByteView& piece : pieces) size += piece.size();
  if (size > MaxAllocSize)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("%zu bytes are more than a value can hold", size),
                    "Train with fewer factors, or fewer items.");
  auto* value = static_cast<bytea*>(server([&] { return palloc(size); }));
  SET_VARSIZE(value, size);
  char* place = VARDATA(value);
  for (const ByteView& piece : pieces) place = std::copy(piece.begin(), piece.end(), place);
  return value;
}

Datum bytea_datum(ByteView bytes) { return PointerGetDatum(bytea_of({bytes})); }

bytea* bytea_of_pair(ByteView first, ByteView second) {
  const std::uint64_t length = first.size();
  char header[sizeof(length)];
  std::memcpy(header, &length, sizeof(length));
  return bytea_of({{header, sizeof(header)}, first, second});
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
