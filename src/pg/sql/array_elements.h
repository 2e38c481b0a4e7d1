// Takes arrays apart.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// The elements of an array of whatever dimensions, in their order.
struct ArrayElements {
  Oid type = InvalidOid;
  int n = 0;
  Datum* values = nullptr;
  bool* nulls = nullptr;
};

/// The elements of an array, which need not be detoasted. A server call.
ArrayElements array_elements(Datum array);

}  // namespace als::pg
