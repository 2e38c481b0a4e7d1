// Locks of relations that are known by their OIDs.
#pragma once

#include <vector>

#include "pg/server/short_lived_resources.h"

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

/// Waits for what take() locks, and has `besides` with it. Whoever has one of these and wants the
/// other next does not meet somebody who holds the other and waits for that: it is given back, and
/// had again once the one is free. (Not for ever: where this transaction has changed a table, and
/// somebody else waits for it, the server gives no other lock of it at once. In the end those that
/// are not to be had are left to whoever uses them.)
/// take() returns false where what it has waited for has become something else. Returns false where
/// it does so time and again.
template <class Take>
bool lock_together(const std::vector<RelationLock>& besides, Take&& take) {
  constexpr int kTries = 3;  // each wait for an exclusive lock holds up everybody else
  for (int tries = 1; tries <= kTries; ++tries) {
    ShortLivedResources locks;
    const bool has_taken = take();
    RelationLock awaited{InvalidOid, NoLock};
    if (has_taken && tries < kTries) awaited = try_locks(besides);
    if (has_taken && !OidIsValid(awaited.relation)) {
      locks.keep();
      return true;
    }
    locks.release();
    if (!OidIsValid(awaited.relation)) continue;
    ShortLivedResources waiting;
    take_locks({awaited});
    waiting.release();
  }
  return false;
}

}  // namespace als::pg
