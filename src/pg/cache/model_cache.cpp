// The versions of models that this session keeps.
#include "pg/cache/model_cache.h"

#include "pg/cache/seen_changes.h"
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

/// Versions kept by one backend, most recently used first.
constexpr std::size_t kMaxCachedModels = 4;

// Never destroyed: a backend ends without running destructors.
std::vector<std::shared_ptr<CachedModel>>& cached_models() {
  static auto* models = new std::vector<std::shared_ptr<CachedModel>>;
  return *models;
}

auto find_kept(const CachedModel& cached) {
  auto& models = cached_models();
  return std::find_if(models.begin(), models.end(),
                      [&](const auto& kept) { return kept.get() == &cached; });
}

/// Whether a model that this session keeps may have been dropped.
bool models_may_be_gone = false;

void watch_relation(Oid relation) {
  for (const auto& cached : cached_models())
    if (!OidIsValid(relation) || cached->model.table == relation) models_may_be_gone = true;
}

/// Lets go of segments that no transaction to come will need, so that their memory can be freed.
void drop_segments(CachedModel& cached, bool stale_ones) {
  const auto is_over = [&](const Segment& segment) {
    return segment.is_shared() ? stale_ones && is_stale(segment) : cached.transaction_local;
  };
  for (Side side : {Side::kUsers, Side::kItems}) {
    auto& rows = cached.sides[side];
    const bool rows_are_over = rows != nullptr && is_over(rows->segment());
    // A search holds a view of the rows.
    const auto drop_search = [&](auto& search) {
      if (search != nullptr && (rows_are_over || is_over(*search->segment))) search.reset();
    };
    drop_search(cached.searches[side]);
    drop_search(cached.cosine_searches[side]);
    if (rows_are_over) rows.reset();
  }
  cached.transaction_local = false;
}

void end_transaction(XactEvent event, void*) {
  if (cached_models().empty()) return;
  if (event == XACT_EVENT_PRE_COMMIT && models_may_be_gone) {
    models_may_be_gone = false;
    guard([] { forget_gone_models(); });
  }
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    guard_silently([] {
      const bool stale_ones = segments_may_be_stale();
      for (auto& cached : cached_models())
        if (stale_ones || cached->transaction_local) drop_segments(*cached, stale_ones);
    });
  }
}

/// What the transaction has changed itself may have been taken back. Whoever is still reading it
/// holds it.
void end_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_ABORT_SUB) return;
  auto& models = cached_models();
  models.erase(std::remove_if(models.begin(), models.end(),
                              [](const auto& cached) { return cached->transaction_local; }),
               models.end());
}

void watch_server() {
  static bool watching = false;
  if (watching) return;
  cached_models();  // are made here, because the callbacks may not fail
  server([] {
    watch_relations(watch_relation);
    RegisterXactCallback(end_transaction, nullptr);
    RegisterSubXactCallback(end_subtransaction, nullptr);
  });
  watching = true;
}

/// A refresh of the users leaves the items as they were, and the other way round.
void take_same_sides(const CachedModel& from, CachedModel& to) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    if (from.sides[side] == nullptr || to.sides[side] != nullptr ||
        !to.model.has_same_factors(from.model, side))
      continue;
    to.sides[side] = from.sides[side];
    to.searches[side] = from.searches[side];
    to.cosine_searches[side] = from.cosine_searches[side];
    to.transaction_local = to.transaction_local || from.transaction_local;
  }
}

bool has_private_segments(const CachedModel& cached) {
  const auto is_private = [](const Segment& segment) { return !segment.is_shared(); };
  for (Side side : {Side::kUsers, Side::kItems}) {
    if (cached.sides[side] != nullptr && is_private(cached.sides[side]->segment())) return true;
    const auto has_private = [&](const auto& search) {
      return search != nullptr && is_private(*search->segment);
    };
    if (has_private(cached.searches[side]) || has_private(cached.cosine_searches[side]))
      return true;
  }
  return false;
}

/// Copies of this session's own are kept of one version of a model, the one asked for last.
void drop_copies_of_other_versions(const CachedModel& kept) {
  auto& models = cached_models();
  models.erase(std::remove_if(models.begin(), models.end(),
                              [&](const auto& entry) {
                                return entry.get() != &kept &&
                                       entry->model.table == kept.model.table &&
                                       has_private_segments(*entry);
                              }),
               models.end());
}

}  // namespace

std::shared_ptr<CachedModel> cached_version(Model model) {
  watch_server();
  for (Side side : {Side::kUsers, Side::kItems})
    model.factor_tables[side].version_trigger = seen_changes(model, side).trigger;
  auto& models = cached_models();
  auto found = std::find_if(models.begin(), models.end(), [&](const auto& entry) {
    return entry->model.has_same_factors(model);
  });
  std::shared_ptr<CachedModel> result;
  if (found != models.end()) {
    result = *found;
    models.erase(found);
    // Names and the like may have changed since, factors have not.
    result->model = std::move(model);
  } else {
    result = std::make_shared<CachedModel>();
    result->model = std::move(model);
    for (const auto& entry : models) take_same_sides(*entry, *result);
  }
  drop_copies_of_other_versions(*result);
  models.insert(models.begin(), result);
  if (models.size() > kMaxCachedModels) models.pop_back();
  return result;
}

void used_again(const CachedModel& cached) {
  const auto place = find_kept(cached);
  if (place != cached_models().end()) std::rotate(cached_models().begin(), place, place + 1);
}

bool is_kept(const CachedModel& cached) { return find_kept(cached) != cached_models().end(); }

std::vector<RegisteredSegment> private_segments() {
  std::vector<RegisteredSegment> segments;
  for (const auto& cached : cached_models()) {
    const auto add = [&](const Segment& segment, const SegmentKey& key) {
      if (!segment.is_shared()) segments.push_back({key, segment.bytes(), 1, 0, 0});
    };
    for (Side side : {Side::kUsers, Side::kItems}) {
      if (const auto& rows = cached->sides[side])
        add(rows->segment(), factor_key(cached->model, side));
      if (const auto& search = cached->searches[side])
        add(*search->segment, search_key(cached->model, side));
      if (const auto& search = cached->cosine_searches[side])
        add(*search->segment, cosine_search_key(cached->model, side));
    }
  }
  return segments;
}

}  // namespace als::pg
