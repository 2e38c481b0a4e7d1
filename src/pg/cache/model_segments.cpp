// The segments of a model, found or built.
#include "pg/cache/model_segments.h"

#include "core/search/cosine_search.h"
#include "core/search/top_k_search.h"
#include "pg/cache/build_lock.h"
#include "pg/cache/factor_loader.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

/// What can fill a segment.
struct Content {
  std::size_t bytes;
  bool is_whole;  ///< it is proved to be what the segment's key says
  std::function<void(char* segment)> write;
};

FoundSegment private_segment(const Content& content, Lifetime lifetime) {
  std::shared_ptr<Segment> segment = Segment::make_private(content.bytes);
  content.write(segment->data());
  return {std::move(segment), content.is_whole ? lifetime : Lifetime::kSnapshot};
}

FoundSegment build(const SegmentKey& key, const Content& content) {
  std::shared_ptr<Segment> segment;
  if (content.is_whole) segment = new_shared_segment(content.bytes);
  if (segment == nullptr) return private_segment(content, Lifetime::kVersion);
  content.write(segment->data());
  register_segment(key, *segment);
  return {std::move(segment), Lifetime::kVersion};
}

FoundSegment find_or_build(const SegmentKey& key, Lifetime lifetime,
                           const std::function<Content()>& open) {
  if (lifetime == Lifetime::kSnapshot || !segments_are_shared())
    return private_segment(open(), lifetime);
  if (std::shared_ptr<Segment> segment = registered_segment(key)) return {segment, lifetime};
  if (lifetime == Lifetime::kTransaction) return private_segment(open(), lifetime);
  BuildLock lock(key);
  FoundSegment found{registered_segment(key), lifetime};
  if (found.segment == nullptr) {
    forget_gone_models();
    found = lock.held() ? build(key, open()) : private_segment(open(), lifetime);
  }
  lock.release();
  return found;
}

constexpr BySide<SegmentKind> kFactors{SegmentKind::kUserFactors, SegmentKind::kItemFactors};
constexpr BySide<SegmentKind> kSearch{SegmentKind::kUserSearch, SegmentKind::kItemSearch};
constexpr BySide<SegmentKind> kCosineSearch{SegmentKind::kUserCosineSearch,
                                            SegmentKind::kItemCosineSearch};

SegmentKey segment_key(const Model& model, Side side, SegmentKind kind) {
  return {MyDatabaseId, model.table, kind, model.factor_tables[side], model.factors};
}

void check_for_interrupts() {
  server([] { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace

SegmentKey factor_key(const Model& model, Side side) {
  return segment_key(model, side, kFactors[side]);
}

SegmentKey search_key(const Model& model, Side side) {
  return segment_key(model, side, kSearch[side]);
}

SegmentKey cosine_search_key(const Model& model, Side side) {
  return segment_key(model, side, kCosineSearch[side]);
}

FoundSegment factor_segment(const Model& model, Side side, Lifetime lifetime) {
  return find_or_build(factor_key(model, side), lifetime, [&] {
    SpiConnection spi;
    auto reader = std::make_shared<FactorLoader>(model, side);
    spi.finish();
    return Content{reader->bytes(),
                   lifetime != Lifetime::kSnapshot && are_whole(model, side, reader->size()),
                   [reader](char* segment) { reader->write(segment); }};
  });
}

std::shared_ptr<Segment> existing_factor_segment(const Model& model, Side side) {
  return segments_are_shared() ? registered_segment(factor_key(model, side)) : nullptr;
}

std::shared_ptr<Segment> search_segment(const Model& model, Side side, const LoadedFactors& rows,
                                        Lifetime lifetime) {
  const auto write = [&rows](char* segment) {
    TopKSearch::build(rows.rows(), rows.bias(), segment, check_for_interrupts);
  };
  return find_or_build(
             search_key(model, side), lifetime,
             [&] {
               return Content{TopKSearch::bytes(rows.size(), rows.rows().cols), true, write};
             })
      .segment;
}

std::shared_ptr<Segment> cosine_search_segment(const Model& model, Side side,
                                               const LoadedFactors& rows, Lifetime lifetime) {
  const auto write = [&rows](char* segment) {
    CosineSearch::build(rows.rows(), segment, check_for_interrupts);
  };
  return find_or_build(
             cosine_search_key(model, side), lifetime,
             [&] {
               return Content{CosineSearch::bytes(rows.size(), rows.rows().cols), true, write};
             })
      .segment;
}

}  // namespace als::pg
