// Takes locks of relations.
#include "pg/server/relation_lock.h"

#include "pg/server/guard.h"

namespace als::pg {

void check_has_any(Oid relation, AclMode privileges) {
  server([&] {
    if (get_rel_name(relation) != nullptr &&
        pg_class_aclcheck(relation, GetUserId(), privileges) != ACLCHECK_OK)
      aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(relation));
  });
}

void take_locks(const std::vector<RelationLock>& locks) {
  server([&] {
    for (const RelationLock& lock : locks) LockRelationOid(lock.relation, lock.mode);
  });
}

RelationLock try_locks(const std::vector<RelationLock>& locks) {
  return server([&]() -> RelationLock {
    for (const RelationLock& lock : locks)
      if (!ConditionalLockRelationOid(lock.relation, lock.mode)) return lock;
    return {InvalidOid, NoLock};
  });
}

}  // namespace als::pg
