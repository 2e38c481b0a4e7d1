// The segments of a model: those of its factor tables, and those that searches run on.
#pragma once

#include "pg/cache/loaded_factors.h"
#include "pg/cache/segment_registry.h"
#include "pg/cache/whole_factors.h"

namespace als::pg {

/// A segment, and how long it may be kept.
struct FoundSegment {
  std::shared_ptr<Segment> segment;
  Lifetime lifetime = Lifetime::kSnapshot;
};

/// What the segments of a side of this version of a model are known by.
SegmentKey factor_key(const Model& model, Side side);
SegmentKey search_key(const Model& model, Side side);
SegmentKey cosine_search_key(const Model& model, Side side);

/// The segment of a factor table as the active snapshot sees it. Shared where its rows hold for
/// everybody: another's, or built here for all. Else, or where no memory can be shared, this
/// session's own; kept for a shorter time than asked for if it could not be proved that the rows
/// are those of the version. Throws what reading the table throws.
FoundSegment factor_segment(const Model& model, Side side, Lifetime lifetime);

/// The same if another session, or this one, has built and shared it; else null.
std::shared_ptr<Segment> existing_factor_segment(const Model& model, Side side);

/// The segment for TopKSearch over the rows of a side, which may be kept as long as these.
std::shared_ptr<Segment> search_segment(const Model& model, Side side, const LoadedFactors& rows,
                                        Lifetime lifetime);

/// The same for CosineSearch.
std::shared_ptr<Segment> cosine_search_segment(const Model& model, Side side,
                                               const LoadedFactors& rows, Lifetime lifetime);

}  // namespace als::pg
