// Names ratings that are not finite; als._checked_rating does so for statements that gather ratings
// by user, where a place in an array would say little.
#include "pg/source/rating_error.h"

#include <cmath>

#include "pg/server/guard.h"

namespace als::pg {

void throw_rating_not_finite(const BySide<const IdType*>& id_types, Datum user, Datum item,
                             double rating) {
  const char* user_name = server([&] { return id_text(*id_types.users, user); });
  const char* item_name = server([&] { return id_text(*id_types.items, item); });
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
      format("the rating of user %s for item %s is %s", user_name, item_name,
             std::isnan(rating)   ? "NaN"
             : std::isinf(rating) ? "infinite"
                                  : format("%g, beyond single precision", rating).c_str()),
      "Ratings must be finite numbers: correct the row, or leave it out by training "
      "on a query.");
}

namespace {

const IdType* type_of(FunctionCallInfo fcinfo, int index) {
  return server([&] {
    return describe_id_type(get_fn_expr_argtype(fcinfo->flinfo, index), PG_GET_COLLATION(), "ids");
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_checked_rating)

/// als._checked_rating(user_id "any", item_id "any", rating float8): float8, in single precision;
/// strict
Datum als_checked_rating(PG_FUNCTION_ARGS) {
  const double rating = PG_GETARG_FLOAT8(2);
  const auto single = static_cast<float>(rating);
  if (std::isfinite(single)) PG_RETURN_FLOAT8(single);
  return als::pg::guard([&]() -> Datum {
    als::pg::throw_rating_not_finite({als::pg::type_of(fcinfo, 0), als::pg::type_of(fcinfo, 1)},
                                     PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), rating);
  });
}
