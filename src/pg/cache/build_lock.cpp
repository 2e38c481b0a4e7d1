// Keeps two sessions from building the same segment.
#include "pg/cache/build_lock.h"

namespace als::pg {

BuildLock::BuildLock(const SegmentKey& key) {
  // Beside the server's two spaces of advisory locks, which have 1 and 2 here.
  constexpr uint16 kSpace = 0x616c;
  uint32 content =
      hash_bytes_extended(key.table.version.data(), UUID_LEN, static_cast<std::uint64_t>(key.kind));
  SET_LOCKTAG_ADVISORY(tag_, key.database, key.model, content, kSpace);
  server([&] { LockAcquire(&tag_, ExclusiveLock, false, false); });
}

void BuildLock::release() {
  server([&] { LockRelease(&tag_, ExclusiveLock, false); });
}

}  // namespace als::pg
