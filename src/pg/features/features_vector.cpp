// als.features_vector: where features given as JSON expect an item, or a user, that is in no table.

#include "pg/features/given_features.h"
#include "pg/server/args.h"
#include "pg/sql/real_array.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

enum Argument { kModel, kFeatures, kSide };

ArrayType* features_vector(FunctionCallInfo fcinfo) {
  const Side side =
      choice_arg(fcinfo, kSide, "side", {"user", "item"}) == "user" ? Side::kUsers : Side::kItems;
  const char* other = side_name(other_side(side));
  const Oid table = PG_GETARG_OID(kModel);
  check_is_model(table);
  MemoryContext result = CurrentMemoryContext;
  SpiConnection spi;
  const Model model = read_model(table);
  const Factors expected = expected_by(PG_GETARG_DATUM(kFeatures), model, side, false,
                                       format("For those of %ss give side => '%s'.", other, other));
  ArrayType* vector = server([&] {
    MemoryContext before = MemoryContextSwitchTo(result);
    ArrayType* array = make_vector(expected.matrix.row(0), model.factors);
    MemoryContextSwitchTo(before);
    return array;
  });
  spi.finish();
  return vector;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_features_vector)

/// als.features_vector(model regclass, features jsonb, side text): real[]
Datum als_features_vector(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_ARRAYTYPE_P(guard([&] { return features_vector(fcinfo); }));
}
