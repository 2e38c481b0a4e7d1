// Which segments of which models lie in shared memory: the table that all sessions of a server
// share.
//
// A segment is built by the first session that needs it, in memory of its own that nobody else
// knows, and entered here when it is complete: so nobody ever sees half of one. It goes when a
// newer version of the model has been entered and no session uses it any more, when the model is
// gone, or when room is needed. Sessions that still have it mapped go on with it; the memory is
// freed when the last of them lets go. If a session crashes, the server ends the others and frees
// all shared memory.
//
// The table itself takes 16 to 120 kB, by the number of connections, that nothing has to be
// preloaded for: from 17 on of dynamic shared memory that the server knows by a name, before of the
// slack in its main shared memory.
#pragma once

#include <functional>

#include "pg/cache/segment.h"
#include "pg/model/model.h"

namespace als::pg {

/// What a segment holds.
enum class SegmentKind : std::int32_t {
  kUserFactors,
  kItemFactors,
  kUserSearch,
  kItemSearch,
  kUserCosineSearch,
  kItemCosineSearch
};

/// What a segment is of. The version in `table` alone decides the content; the rest tells apart
/// what shares one by mistake, or is no more.
struct SegmentKey {
  Oid database;
  Oid model;
  SegmentKind kind;
  FactorTable table;
  std::int32_t factors;

  bool operator==(const SegmentKey& other) const {
    return is_version_of(other) && table == other.table && factors == other.factors;
  }
  /// The same, perhaps at another time.
  bool is_version_of(const SegmentKey& other) const {
    return database == other.database && model == other.model && kind == other.kind;
  }
};

/// A segment in shared memory, as the view als.cache shows it.
struct RegisteredSegment {
  SegmentKey key;
  std::size_t bytes;
  std::uint32_t sessions;
  std::uint64_t hits;
  TimestampTz last_used;
};

/// Whether segments are shared at all: als.cache_size is not 0, and there is room for the table.
bool segments_are_shared();

/// The segment that another session, or this one, has entered; null if there is none.
std::shared_ptr<Segment> registered_segment(const SegmentKey& key);

/// Memory for a segment that is to be entered; others give way until als.cache_size holds and
/// parallel plans find room. Null where there is no shared memory to be had.
std::shared_ptr<Segment> new_shared_segment(std::size_t bytes);

/// Enters a complete segment, built under the active snapshot; others give way until als.cache_size
/// holds. Returns false, and leaves all as it was, if it alone would be too large.
bool register_segment(const SegmentKey& key, Segment& segment);

/// Counts a use. Costs next to nothing.
void count_hit(const Segment& segment);

/// Whether a shared segment is to be let go when the transaction is over: it has given way to
/// others, or to a newer version. The first function tells whether anything of the kind may have
/// happened since it last said so.
bool segments_may_be_stale();
bool is_stale(const Segment& segment);

/// Takes out the segments of models that are gone, as the current catalogs have it. A server call
/// in a transaction.
void forget_gone_models();

/// All segments of all databases.
std::vector<RegisteredSegment> registered_segments();

}  // namespace als::pg
