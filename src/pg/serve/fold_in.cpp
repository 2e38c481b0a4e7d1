// als.fold_in and als.fold_in_item: the vector of a user, or an item, whom training has not seen.

#include "pg/serve/fold_in_input.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

enum Argument { kModel, kIds, kRatings, kWeights, kFeatures };

/// The vector that comes from ids of this side and features of the other, or null if the model
/// knows none of the ids and there are no features.
ArrayType* fold_in(FunctionCallInfo fcinfo, Side side) {
  std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
  FoldInInput fold_in_input(fcinfo, {kIds, kRatings, kWeights, kFeatures}, *served, side);
  if (fold_in_input.empty()) return nullptr;
  FoldedRow row = fold_in_input.fold_in(*served);
  return server([&] { return make_vector(row.vector.data(), served->model().factors); });
}

Datum return_folded(FunctionCallInfo fcinfo, Side side) {
  if (PG_ARGISNULL(kModel)) PG_RETURN_NULL();
  ArrayType* vector = guard([&] { return fold_in(fcinfo, side); });
  if (vector == nullptr) PG_RETURN_NULL();
  PG_RETURN_ARRAYTYPE_P(vector);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_fold_in)
ALS_SQL_FUNCTION(als_fold_in_item)

/// als.fold_in(model regclass, items, ratings float8[], weights float8[], features jsonb): real[],
/// null if the model knows none of the items and there are no features
Datum als_fold_in(PG_FUNCTION_ARGS) {
  return als::pg::return_folded(fcinfo, als::pg::Side::kItems);
}

/// als.fold_in_item(model regclass, users, ratings float8[], weights float8[], features jsonb):
/// real[], null if the model knows none of the users and there are no features
Datum als_fold_in_item(PG_FUNCTION_ARGS) {
  return als::pg::return_folded(fcinfo, als::pg::Side::kUsers);
}
