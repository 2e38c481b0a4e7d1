// als.fold_in: the vector of a user whom training has not seen.

#include "pg/basket.h"
#include "pg/vector.h"

namespace als::pg {

namespace {

enum Argument { kModel, kItems, kRatings };

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_fold_in)

/// als.fold_in(model regclass, items, ratings real[]): real[], null if the model knows none of the
/// items
Datum als_fold_in(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kItems)) PG_RETURN_NULL();
  ArrayType* vector = guard([&]() -> ArrayType* {
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    Basket basket(fcinfo, kItems, kRatings, *served);
    if (basket.empty()) return nullptr;
    als::FoldedRow user = basket.fold_in(*served);
    return server([&] { return make_vector(user.vector.data(), served->model().factors); });
  });
  if (vector == nullptr) PG_RETURN_NULL();
  PG_RETURN_ARRAYTYPE_P(vector);
}
