// Keeps two sessions from building the same segment.
#pragma once

#include "pg/cache/segment_registry.h"

namespace als::pg {

/// Held by whoever builds a segment that others may be waiting for. Left to the server after an
/// error.
class BuildLock {
 public:
  explicit BuildLock(const SegmentKey& key);
  void release();

 private:
  LOCKTAG tag_;
};

}  // namespace als::pg
