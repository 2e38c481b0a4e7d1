// The models whose factors a table holds, as their rows say.
#pragma once

#include "pg/model/newest_run.h"

namespace als::pg {

/// A model whose newest row names a table for its factors.
struct Claim {
  Oid model;
  NamedFactors run;
};

struct Claims {
  Oid recorded = InvalidOid;  ///< the model that the table is recorded to be of
  std::vector<Claim> claims;
};

/// The claims on a table, under a fresh snapshot: that of the model that it is recorded to be of,
/// or else, as after a restore, those of all models of its owner. A model of another role has none:
/// anybody may write any table's name into a table of his own. Throws 55000 where the recorded
/// model has come to another owner.
Claims claims_on(Oid table);

}  // namespace als::pg
