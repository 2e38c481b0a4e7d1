// Who wants to hear of changes of relations.
//
// The server has room for ten such callbacks in all, some of which it takes itself, and other
// extensions several: als takes one.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Calls the function for every relation whose catalog rows change from now on, with InvalidOid
/// where that may be any. It may not fail. To be called once for each. A server call.
void watch_relations(void (*on_change)(Oid relation));

}  // namespace als::pg
