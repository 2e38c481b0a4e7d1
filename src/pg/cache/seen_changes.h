// Whether changes of factors give their side a new version, known for as long as nothing is done to
// the tables.
#pragma once

#include "pg/model/model.h"

namespace als::pg {

struct SeenChanges {
  bool are_seen = false;  ///< in all sessions but those that replicate
  std::uint64_t trigger =
      0;  ///< the trigger that sees to it: another number if it has been altered
};

/// What holds for a side of a model as the current catalogs have it. Costs a few look-ups in them
/// for the first time, and after changes to one of the two tables.
SeenChanges seen_changes(const Model& model, Side side);

}  // namespace als::pg
