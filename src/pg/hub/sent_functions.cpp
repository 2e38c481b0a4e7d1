// als._check_sent and als._sent_piece: what rows that another server sends are looked at by, as
// they come.

#include "core/parts/piece_sum.h"
#include "pg/hub/sent.h"
#include "pg/steps/bytea_bytes.h"

ALS_SQL_FUNCTION(als_check_sent)
ALS_SQL_FUNCTION(als_sent_piece)

/// als._check_sent(is_possible bool, what text): bool, true
Datum als_check_sent(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    check_sent(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0), text_arg(fcinfo, 1, "what"));
    return BoolGetDatum(true);
  });
}

/// als._sent_piece(piece bytea, slice int, part int): bytea, the piece
Datum als_sent_piece(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    check_sent_bytes([&] {
      als::check_piece(bytes_arg(fcinfo, 0, "piece"), number_arg(fcinfo, 1, "slice"),
                       number_arg(fcinfo, 2, "part"));
    });
    return PG_GETARG_DATUM(0);
  });
}
