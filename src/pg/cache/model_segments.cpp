// The segments of a model, found or built.
#include "pg/cache/model_segments.h"

#include "core/search/top_k_search.h"
#include "pg/cache/build_lock.h"
#include "pg/cache/factor_loader.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

/// What can fill a segment.
struct Content {
  std::size_t bytes;
  std::function<void(char* segment)> write;
};

std::shared_ptr<Segment> private_segment(const Content& content) {
  std::shared_ptr<Segment> segment = Segment::make_private(content.bytes);
  content.write(segment->data());
  return segment;
}

std::shared_ptr<Segment> build(const SegmentKey& key, const Content& content) {
  if (content.bytes > cache_size()) return private_segment(content);
  std::shared_ptr<Segment> segment = new_shared_segment(content.bytes);
  if (segment == nullptr) return private_segment(content);
  content.write(segment->data());
  register_segment(key, *segment);
  return segment;
}

FoundSegment find_or_build(const SegmentKey& key, bool may_share,
                           const std::function<Content()>& open) {
  if (!may_share || !segments_are_shared()) return {private_segment(open()), false};
  if (std::shared_ptr<Segment> segment = registered_segment(key)) return {segment, false};
  if (TransactionIdIsValid(GetTopTransactionIdIfAny())) return {private_segment(open()), true};
  BuildLock lock(key);
  std::shared_ptr<Segment> segment = registered_segment(key);
  if (segment == nullptr) {
    forget_gone_models();
    segment = build(key, open());
  }
  lock.release();
  return {segment, false};
}

SegmentKey factor_key(const Model& model, Side side) {
  return segment_key(model, side,
                     side == Side::kUsers ? SegmentKind::kUserFactors : SegmentKind::kItemFactors);
}

SegmentKey search_key(const Model& model, Side side) {
  return segment_key(model, side,
                     side == Side::kUsers ? SegmentKind::kUserSearch : SegmentKind::kItemSearch);
}

}  // namespace

SegmentKey segment_key(const Model& model, Side side, SegmentKind kind) {
  return {MyDatabaseId, model.table, kind, model.factors_of(side), model.factors};
}

FoundSegment factor_segment(const Model& model, Side side, bool may_share) {
  return find_or_build(factor_key(model, side), may_share, [&] {
    SpiConnection spi;
    auto reader = std::make_shared<FactorLoader>(model, side);
    spi.finish();
    return Content{reader->bytes(), [reader](char* segment) { reader->write(segment); }};
  });
}

std::shared_ptr<Segment> existing_factor_segment(const Model& model, Side side) {
  return segments_are_shared() ? registered_segment(factor_key(model, side)) : nullptr;
}

FoundSegment search_segment(const Model& model, Side side, const LoadedFactors& rows,
                            bool may_share) {
  return find_or_build(search_key(model, side), may_share, [&] {
    return Content{TopKSearch::bytes(rows.size(), rows.rows().cols), [&rows](char* segment) {
                     TopKSearch::build(rows.rows(), rows.bias(), segment,
                                       [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
                   }};
  });
}

}  // namespace als::pg
