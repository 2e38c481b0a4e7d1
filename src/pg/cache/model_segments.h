// The segments of a model: those of its factor tables, and those that searches run on.
#pragma once

#include "pg/cache/loaded_factors.h"
#include "pg/cache/segment_registry.h"

namespace als::pg {

/// A segment, and whether it is this transaction's only: one that has written may see rows that
/// the version it sees does not tell from others', so that what it builds is not shown to anybody.
struct FoundSegment {
  std::shared_ptr<Segment> segment;
  bool transaction_local = false;
};

/// What a segment of a side of this version of a model is known by.
SegmentKey segment_key(const Model& model, Side side, SegmentKind kind);

/// The segment of a factor table as the active snapshot sees it. Shared where `may_share`:
/// another's, or built here for all. Else, or where no memory can be shared, this session's own.
/// Throws what reading the table throws.
FoundSegment factor_segment(const Model& model, Side side, bool may_share);

/// The same if another session, or this one, has built and shared it; else null.
std::shared_ptr<Segment> existing_factor_segment(const Model& model, Side side);

/// The segment for TopKSearch over the rows of a side.
FoundSegment search_segment(const Model& model, Side side, const LoadedFactors& rows,
                            bool may_share);

}  // namespace als::pg
