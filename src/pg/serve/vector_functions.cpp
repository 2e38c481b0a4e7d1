// als.dot and als.cosine.
#include "core/linalg/products.h"
#include "pg/server/guard.h"
#include "pg/sql/real_array.h"

namespace als::pg {
namespace {

/// Two vectors of one length, or 2202E.
void view_pair(FunctionCallInfo fcinfo, VectorView* a, VectorView* b) {
  *a = view_vector(PG_GETARG_ARRAYTYPE_P(0), "the first vector");
  *b = view_vector(PG_GETARG_ARRAYTYPE_P(1), "the second vector");
  if (a->size != b->size)
    ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                    errmsg("vectors of different lengths: %d and %d", a->size, b->size),
                    errhint("Factors of one model all have the same length.")));
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_dot)
ALS_SQL_FUNCTION(als_cosine)

/// als.dot(real[], real[]): real
Datum als_dot(PG_FUNCTION_ARGS) {
  als::pg::VectorView a;
  als::pg::VectorView b;
  als::pg::view_pair(fcinfo, &a, &b);
  PG_RETURN_FLOAT4(als::dot(a.values, b.values, static_cast<std::size_t>(a.size)));
}

/// als.cosine(real[], real[]): real; 0 where a vector is zero, which has no direction
Datum als_cosine(PG_FUNCTION_ARGS) {
  als::pg::VectorView a;
  als::pg::VectorView b;
  als::pg::view_pair(fcinfo, &a, &b);
  PG_RETURN_FLOAT4(als::cosine(a.values, b.values, static_cast<std::size_t>(a.size)));
}
