// Locks of relations that are known by their OIDs.
#pragma once

#include <vector>

#include "pg/server/pg.h"

namespace als::pg {

struct RelationLock {
  Oid relation;
  LOCKMODE mode;
};

/// Throws 42501, as the server does, unless the caller has one of these privileges on a relation.
/// To be called before others wait for the caller. (Of a relation that has just been dropped,
/// whoever locks it will be told.)
void check_has_any(Oid relation, AclMode privileges);

/// Of these LOCK TABLE wants one before it keeps other writers waiting.
inline constexpr AclMode kMayLock = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;

/// Waits for each. One that has been dropped is nobody's.
void take_locks(const std::vector<RelationLock>& locks);

/// Takes them in turn, but waits for none. Returns the first that is not to be had, or InvalidOid
/// as its relation.
RelationLock try_locks(const std::vector<RelationLock>& locks);

}  // namespace als::pg
