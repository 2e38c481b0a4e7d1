// What the newest row of a model table names, read without a plan, so that nothing of what the
// table's owner may have put on it runs: policies, rules, expressions of indexes.
#pragma once

#include "pg/model/model.h"

namespace als::pg {

struct NamedFactors {
  bool exists = false;
  int64 run = 0;
  Oid user_factors = InvalidOid;
  Oid item_factors = InvalidOid;

  Oid factors(Side side) const { return side == Side::kUsers ? user_factors : item_factors; }
  bool names(Oid table) const { return user_factors == table || item_factors == table; }
};

/// The newest row that the active snapshot holds, whoever may see it. None if the table has been
/// dropped meanwhile.
NamedFactors named_factors(Oid model);

}  // namespace als::pg
