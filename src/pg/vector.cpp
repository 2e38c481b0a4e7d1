#include "pg/vector.h"

#include "core/scoring.h"

namespace als::pg {

ArrayType* make_vector(const float* values, int n) {
  Size bytes = ARR_OVERHEAD_NONULLS(1) + n * sizeof(float4);
  auto* array = static_cast<ArrayType*>(palloc0(bytes));
  SET_VARSIZE(array, bytes);
  array->ndim = 1;
  array->elemtype = FLOAT4OID;
  ARR_DIMS(array)[0] = n;
  ARR_LBOUND(array)[0] = 1;
  std::memcpy(ARR_DATA_PTR(array), values, n * sizeof(float4));
  return array;
}

VectorView view_vector(ArrayType* array, const char* what) {
  if (ARR_NDIM(array) > 1)
    ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                    errmsg("%s has %d dimensions", what, ARR_NDIM(array)),
                    errhint("A vector is a one-dimensional array of real.")));
  if (ARR_HASNULL(array) && array_contains_nulls(array))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s has a null element", what),
                    errhint("Use array_replace(v, null, 0) to read nulls as zero.")));
  return {reinterpret_cast<const float*>(ARR_DATA_PTR(array)),
          ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))};
}

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
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (int i = 0; i < a.size; ++i) {
    ab += static_cast<double>(a.values[i]) * b.values[i];
    aa += static_cast<double>(a.values[i]) * a.values[i];
    bb += static_cast<double>(b.values[i]) * b.values[i];
  }
  PG_RETURN_FLOAT4(aa == 0 || bb == 0 ? 0.0F
                                      : static_cast<float4>(ab / (std::sqrt(aa) * std::sqrt(bb))));
}
