// All that decides what a call sees of a model.
#include "pg/cache/snapshot_key.h"

#include "pg/server/guard.h"
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

/// Counts what other sessions change about relations and roles: a new privilege, row-level
/// security, a rename. Nothing remembered before such a change is trusted after it.
std::uint64_t invalidations = 0;

void count_invalidation(Datum, int, uint32) { ++invalidations; }

void count_relation_invalidation(Oid) { ++invalidations; }

/// A rollback to a savepoint takes back what snapshots have seen without giving them new numbers.
void count_rollback(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) ++invalidations;
}

void watch_catalogs() {
  static bool watching = false;
  if (watching) return;
  server([] {
    watch_relations(count_relation_invalidation);
    CacheRegisterSyscacheCallback(AUTHOID, count_invalidation, 0);
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, count_invalidation, 0);
    CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, count_invalidation, 0);
    RegisterSubXactCallback(count_rollback, nullptr);
  });
  watching = true;
}

}  // namespace

SnapshotKey::SnapshotKey(Oid table)
    : table_(table), user_(GetUserId()), transaction_(current_lxid()) {
  watch_catalogs();
  Snapshot snapshot = GetActiveSnapshot();
  xmin_ = snapshot->xmin;
  xmax_ = snapshot->xmax;
  command_ = snapshot->curcid;
  running_.assign(snapshot->xip, snapshot->xip + snapshot->xcnt);
  running_subtransactions_.assign(snapshot->subxip, snapshot->subxip + snapshot->subxcnt);
  catalogs_seen();
}

void SnapshotKey::catalogs_seen() { invalidations_ = invalidations; }

bool SnapshotKey::has_current_catalogs() const {
  return user_ == GetUserId() && invalidations_ == invalidations;
}

bool SnapshotKey::is_current() const {
  Snapshot snapshot = GetActiveSnapshot();
  return has_current_catalogs() && transaction_ == current_lxid() && command_ == snapshot->curcid &&
         xmin_ == snapshot->xmin && xmax_ == snapshot->xmax &&
         std::equal(running_.begin(), running_.end(), snapshot->xip,
                    snapshot->xip + snapshot->xcnt) &&
         std::equal(running_subtransactions_.begin(), running_subtransactions_.end(),
                    snapshot->subxip, snapshot->subxip + snapshot->subxcnt);
}

}  // namespace als::pg
