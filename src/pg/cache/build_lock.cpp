// Keeps two sessions from building the same segment.
#include "pg/cache/build_lock.h"

#include "pg/server/cluster_table.h"

namespace als::pg {

namespace {

constexpr int kTries = 1000;
constexpr long kMicrosecondsBetween = 10000;

bool is_node_of_cluster() {
  return server([] { return reference_tables() != NIL; });
}

}  // namespace

BuildLock::BuildLock(const SegmentKey& key) {
  // Beside the server's two spaces of advisory locks, which have 1 and 2 here.
  constexpr uint16 kSpace = 0x616c;
  uint32 content =
      hash_bytes_extended(key.table.version.data(), UUID_LEN, static_cast<std::uint64_t>(key.kind));
  SET_LOCKTAG_ADVISORY(tag_, key.database, key.model, content, kSpace);
  held_ = server(
      [&] { return LockAcquire(&tag_, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });
  if (held_) return;
  if (is_node_of_cluster()) {
    held_ = try_for_some_seconds();
    return;
  }
  server([&] { LockAcquire(&tag_, ExclusiveLock, false, false); });
  held_ = true;
}

/// Without standing in the lock's queue, where Citus would see it.
bool BuildLock::try_for_some_seconds() {
  return server([&] {
    for (int i = 0; i < kTries; ++i) {
      pg_usleep(kMicrosecondsBetween);
      CHECK_FOR_INTERRUPTS();
      if (LockAcquire(&tag_, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL) return true;
    }
    return false;
  });
}

void BuildLock::release() {
  if (!held_) return;
  server([&] { LockRelease(&tag_, ExclusiveLock, false); });
}

}  // namespace als::pg
