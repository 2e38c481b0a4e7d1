// Keeps two sessions from building the same segment.
#pragma once

#include "pg/cache/segment_registry.h"

namespace als::pg {

/// Held by whoever builds a segment that others may be waiting for. Left to the server after an
/// error.
class BuildLock {
 public:
  /// Waits for it, but on a node of Citus some seconds at most: a transaction has several sessions
  /// there, and Citus ends it as a deadlock of its own where one waits for another.
  explicit BuildLock(const SegmentKey& key);

  /// Whether it is held. If not, build something of your own.
  bool held() const { return held_; }
  void release();

 private:
  bool try_for_some_seconds();

  LOCKTAG tag_;
  bool held_;
};

}  // namespace als::pg
