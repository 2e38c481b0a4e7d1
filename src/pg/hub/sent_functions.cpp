// als._encoded and als._decoded: bytes on their way between servers, where statements and results
// are text; als._check_sent, als._sent_piece and als._sent_users: what rows that another server
// sends are looked at by, as they come.

#include "core/parts/finished_rows.h"
#include "core/parts/piece_sum.h"
#include "core/pieces/base64.h"
#include "pg/hub/sent.h"
#include "pg/server/args.h"
#include "pg/sql/array_elements.h"
#include "pg/steps/bytea_bytes.h"
#include "pg/steps/kept_sums.h"

namespace als::pg {

namespace {

/// A bytea, or a text, of so many bytes, which write(to) fills in.
template <class Write>
Datum written(std::size_t size, Write&& write) {
  bytea* value = new_bytea(size, "Train with fewer factors, or leave rare items out.");
  write(VARDATA(value));
  return PointerGetDatum(value);
}

std::string_view encoded_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  require_arg(fcinfo, index, name);
  text* value = server([&] { return PG_GETARG_TEXT_PP(index); });
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

als::Bytes decoded(std::string_view encoded) {
  als::Bytes bytes(als::bytes_in_base64(encoded), 0);
  als::read_base64(encoded, bytes.data());
  return bytes;
}

/// With vectors that a model may have, and an id for each.
bool are_possible(const FinishedRows& users, int factors, bool biases, const ArrayElements& ids) {
  return users.factors.matrix.cols() == static_cast<std::size_t>(factors) &&
         users.factors.bias.size() == (biases ? users.size() : 0) && users.popularity.empty() &&
         are_within_limits(users.factors) && users.size() == static_cast<std::size_t>(ids.n) &&
         std::none_of(ids.nulls, ids.nulls + ids.n, [](bool is_null) { return is_null; });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_encoded)
ALS_SQL_FUNCTION(als_decoded)
ALS_SQL_FUNCTION(als_check_sent)
ALS_SQL_FUNCTION(als_sent_piece)
ALS_SQL_FUNCTION(als_sent_users)

/// als._check_sent(is_possible bool, what text): bool, true
Datum als_check_sent(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    check_sent(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0), text_arg(fcinfo, 1, "what"));
    return BoolGetDatum(true);
  });
}

/// als._encoded(bytes bytea): text
Datum als_encoded(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    const als::ByteView bytes = bytes_arg(fcinfo, 0, "bytes");
    return written(als::base64_size(bytes.size()), [&](char* to) { als::write_base64(bytes, to); });
  });
}

/// als._decoded(encoded text): bytea
Datum als_decoded(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    const std::string_view encoded = encoded_arg(fcinfo, 0, "encoded");
    return written(als::bytes_in_base64(encoded), [&](char* to) { als::read_base64(encoded, to); });
  });
}

/// als._sent_piece(piece text, slice int, part int): bytea, the piece, or what stands for it, see
/// kept_sums.h
Datum als_sent_piece(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    const std::string_view encoded = encoded_arg(fcinfo, 0, "piece");
    const std::uint32_t slice = number_arg(fcinfo, 1, "slice");
    const std::uint32_t part = number_arg(fcinfo, 2, "part");
    Datum piece = 0;
    check_sent_bytes([&] {
      const als::Bytes bytes = decoded(encoded);
      std::optional<als::SliceSums> sums = als::sums_in_piece(bytes, slice, part);
      piece = sums ? store_sums(std::move(*sums)) : bytea_datum(bytes);
    });
    return piece;
  });
}

/// als._sent_users(users text, ids anyarray, factors int, biases boolean): bytea, what
/// als._packed_users has made
Datum als_sent_users(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    const std::string_view encoded = encoded_arg(fcinfo, 0, "users");
    require_arg(fcinfo, 1, "ids");
    const ArrayElements ids = server([&] { return array_elements(PG_GETARG_DATUM(1)); });
    const int factors = int_arg(fcinfo, 2, "factors", 1, als::kMaxFactors);
    const bool biases = bool_arg(fcinfo, 3, "biases");
    Datum users = 0;
    check_sent_bytes([&] {
      const als::Bytes bytes = decoded(encoded);
      check_sent(are_possible(als::FinishedRows::read(bytes), factors, biases, ids),
                 "users that cannot be");
      users = bytea_datum(bytes);
    });
    return users;
  });
}
