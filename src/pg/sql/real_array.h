// Factor vectors as SQL arrays of real.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// A one-dimensional real[] with a copy of n values. A server call.
ArrayType* make_vector(const float* values, int n);

/// The values of a real[] that is one-dimensional (or empty) and has no nulls. The array must be
/// detoasted.
struct VectorView {
  const float* values;
  int size;
};

/// Raises 2202E for more than one dimension and 22004 for a null element; `what` names the array in
/// the message. A server call.
VectorView view_vector(ArrayType* array, const char* what);

}  // namespace als::pg
