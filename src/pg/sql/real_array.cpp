// Makes real[] values, and reads them without a copy.
#include "pg/sql/real_array.h"

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

}  // namespace als::pg
