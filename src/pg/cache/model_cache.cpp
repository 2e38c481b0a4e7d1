#include "pg/cache/model_cache.h"

#include "core/kernels/kernels.h"
#include "pg/cache/factor_loader.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

/// Rows fetched one by one before the whole side is read instead, and how often to look meanwhile
/// whether another session has done so.
constexpr int kLookupsBeforeLoad = 100;
constexpr int kLookupsBetweenLooks = 10;

/// Users can be many: where their side cannot be shared, it is kept only up to this size.
constexpr std::size_t kMaxPrivateUserBytes = std::size_t{256} << 20;

/// Versions kept by one backend, most recently used first.
constexpr std::size_t kMaxCachedModels = 4;

int index_of(Side side) { return side == Side::kUsers ? 0 : 1; }

/// Counts what other sessions change about relations and roles: a new privilege, row-level
/// security, a rename. Nothing remembered before such a change is trusted after it.
std::uint64_t invalidations = 0;

void count_invalidation(Datum, int, uint32) { ++invalidations; }

/// Whether a model that this session keeps may have been dropped.
bool models_may_be_gone = false;

void count_relation_invalidation(Datum, Oid relation);

/// A rollback to a savepoint takes back what snapshots have seen without giving them new numbers.
void count_rollback(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) ++invalidations;
}

void end_transaction(XactEvent event, void*);

struct Cache;
Cache& cache();

void watch_server() {
  static bool watching = false;
  if (watching) return;
  cache();  // is made here, because the callbacks may not fail
  server([] {
    CacheRegisterRelcacheCallback(count_relation_invalidation, 0);
    CacheRegisterSyscacheCallback(AUTHOID, count_invalidation, 0);
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, count_invalidation, 0);
    RegisterSubXactCallback(count_rollback, nullptr);
    RegisterXactCallback(end_transaction, nullptr);
  });
  watching = true;
}

/// All that decides what a call sees of a model: the table, the role, the snapshot to the last
/// transaction in it, and the state of the catalogs.
class View {
 public:
  View() = default;
  explicit View(Oid table) : table_(table), user_(GetUserId()), transaction_(current_lxid()) {
    Snapshot snapshot = GetActiveSnapshot();
    xmin_ = snapshot->xmin;
    xmax_ = snapshot->xmax;
    command_ = snapshot->curcid;
    running_.assign(snapshot->xip, snapshot->xip + snapshot->xcnt);
    running_subtransactions_.assign(snapshot->subxip, snapshot->subxip + snapshot->subxcnt);
    catalogs_seen();
  }

  /// Takes the catalogs as they are now for those that have been seen.
  void catalogs_seen() { invalidations_ = invalidations; }

  /// Whether names, privileges and the like are still what they were.
  bool has_current_catalogs(Oid table) const {
    return table_ == table && user_ == GetUserId() && invalidations_ == invalidations;
  }

  /// Whether a call for this table would now see what this view saw.
  bool is_current(Oid table) const {
    Snapshot snapshot = GetActiveSnapshot();
    return has_current_catalogs(table) && transaction_ == current_lxid() &&
           command_ == snapshot->curcid && xmin_ == snapshot->xmin && xmax_ == snapshot->xmax &&
           std::equal(running_.begin(), running_.end(), snapshot->xip,
                      snapshot->xip + snapshot->xcnt) &&
           std::equal(running_subtransactions_.begin(), running_subtransactions_.end(),
                      snapshot->subxip, snapshot->subxip + snapshot->subxcnt);
  }

 private:
  Oid table_ = InvalidOid;
  Oid user_ = InvalidOid;
  LocalTransactionId transaction_ = InvalidLocalTransactionId;
  TransactionId xmin_ = InvalidTransactionId;
  TransactionId xmax_ = InvalidTransactionId;
  CommandId command_ = 0;
  std::vector<TransactionId> running_;
  std::vector<TransactionId> running_subtransactions_;
  std::uint64_t invalidations_ = 0;
};

struct Cache {
  std::vector<std::shared_ptr<CachedModel>> models;
  View last_view;
  RowVersion last_row;
  std::shared_ptr<ServedModel> last;
};

// Never destroyed: a backend ends without running destructors.
Cache& cache() {
  static auto* instance = new Cache;
  return *instance;
}

void count_relation_invalidation(Datum, Oid relation) {
  ++invalidations;
  for (const auto& cached : cache().models)
    if (!OidIsValid(relation) || cached->model.table == relation) models_may_be_gone = true;
}

/// Lets go of segments that no transaction to come will need, so that their memory can be freed.
void drop_segments(CachedModel& cached, bool stale_ones) {
  const auto is_over = [&](const Segment& segment) {
    return segment.is_shared() ? stale_ones && is_stale(segment) : cached.transaction_local;
  };
  for (auto& search : cached.searches)
    if (search != nullptr && is_over(*search->segment)) search.reset();
  for (int s : {0, 1}) {
    if (cached.sides[s] == nullptr || !is_over(cached.sides[s]->segment())) continue;
    cached.searches[s].reset();  // which holds a view of the rows
    cached.sides[s].reset();
  }
  cached.transaction_local = false;
}

void end_transaction(XactEvent event, void*) {
  if (cache().models.empty()) return;
  if (event == XACT_EVENT_PRE_COMMIT && models_may_be_gone) {
    models_may_be_gone = false;
    guard([] { forget_gone_models(); });
  }
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    guard_silently([] {
      const bool stale_ones = segments_may_be_stale();
      for (auto& cached : cache().models)
        if (stale_ones || cached->transaction_local) drop_segments(*cached, stale_ones);
    });
  }
}

/// A refresh of the users leaves the items as they were, and the other way round.
void take_same_sides(const CachedModel& from, CachedModel& to) {
  if (from.transaction_local) return;
  for (Side side : {Side::kUsers, Side::kItems}) {
    const int s = index_of(side);
    if (to.sides[s] != nullptr || !to.model.has_same_factors(from.model, side)) continue;
    to.sides[s] = from.sides[s];
    to.searches[s] = from.searches[s];
  }
}

std::shared_ptr<CachedModel> cached_version(Model model) {
  auto& models = cache().models;
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
  models.insert(models.begin(), result);
  if (models.size() > kMaxCachedModels) models.pop_back();
  return result;
}

}  // namespace

ServedModel::ServedModel(std::shared_ptr<CachedModel> cached, Oid user)
    : cached_(std::move(cached)), context_("als model") {
  for (Oid table :
       {model().table, model().factor_table(Side::kUsers), model().factor_table(Side::kItems)})
    row_security_ =
        row_security_ || server([&] { return check_enable_rls(table, user, true) == RLS_ENABLED; });
  if (!is_reusable()) {
    // Factors that row-level security has filtered are this call's alone.
    auto own = std::make_shared<CachedModel>();
    own->model = cached_->model;
    cached_ = std::move(own);
  }
}

const IdType& ServedModel::id_type(Side side) {
  IdType*& type = types_[index_of(side)];
  if (type == nullptr) type = server([&] { return factor_id_type(model(), side, context_.get()); });
  return *type;
}

/// Table privileges are looked up; anything else (privileges on columns) is left to the executor.
void ServedModel::check_readable(Side side) {
  bool& readable = readable_[index_of(side)];
  if (readable) return;
  Oid table = model().factor_table(side);
  bool granted =
      server([&] { return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK; });
  if (!granted) {
    SpiConnection spi;
    SPIPlanPtr plan = prepare(std::string("select ") + id_column(side) + ", " + kFactorColumns +
                              " from only " + relation_name(table) + " limit 0");
    for_each_row(plan, {}, {InvalidOid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID},
                 [](TupleTableSlot*) {});
    spi.finish();
  }
  readable = true;
}

const LoadedFactors& ServedModel::side(Side side) {
  check_readable(side);
  std::shared_ptr<LoadedFactors>& loaded = cached_->sides[index_of(side)];
  if (loaded == nullptr) {
    FoundSegment found = factor_segment(model(), side, is_reusable());
    loaded = std::make_shared<LoadedFactors>(model(), side, std::move(found.segment));
    cached_->transaction_local = cached_->transaction_local || found.transaction_local;
  }
  return *loaded;
}

const TopKSearch& ServedModel::search(Side side) {
  const LoadedFactors& rows = this->side(side);
  std::shared_ptr<SideSearch>& loaded = cached_->searches[index_of(side)];
  if (loaded == nullptr) {
    FoundSegment found = search_segment(model(), side, rows, is_reusable());
    TopKSearch search(found.segment->data(), rows.rows(), rows.bias());
    loaded = std::make_shared<SideSearch>(SideSearch{std::move(found.segment), search});
    cached_->transaction_local = cached_->transaction_local || found.transaction_local;
  }
  count_hit(*loaded->segment);
  return loaded->search;
}

/// Takes a side that another session has loaded.
bool ServedModel::take_existing(Side side) {
  if (!is_reusable() || cached_->lookups[index_of(side)] % kLookupsBetweenLooks != 0) return false;
  std::shared_ptr<Segment> segment = existing_factor_segment(model(), side);
  if (segment == nullptr) return false;
  cached_->sides[index_of(side)] =
      std::make_shared<LoadedFactors>(model(), side, std::move(segment));
  return true;
}

bool ServedModel::worth_loading(Side side) const {
  if (!is_reusable() || cached_->lookups[index_of(side)] < kLookupsBeforeLoad) return false;
  std::size_t row_bytes = static_cast<std::size_t>(model().factors) * sizeof(float) + 64;
  return side == Side::kItems || static_cast<std::size_t>(model().n_users) * row_bytes <=
                                     std::max(cache_size(), kMaxPrivateUserBytes);
}

std::optional<FactorRow> ServedModel::find(Side side, Datum id) {
  check_readable(side);
  if (cached_->sides[index_of(side)] == nullptr && !take_existing(side) && !worth_loading(side))
    return look_up(side, id);
  const LoadedFactors& all = this->side(side);
  std::uint32_t index =
      all.ids().is_plain() ? all.ids().find(id) : server([&] { return all.ids().find(id); });
  if (index == IdIndex::kMissing) return std::nullopt;
  const FactorView rows = all.rows();
  // It comes from memory while the caller does what else it has to do.
  for (std::size_t c = 0; c < rows.stride; c += kBlock) __builtin_prefetch(rows.row(index) + c);
  return FactorRow{rows.row(index), all.bias()[index]};
}

std::optional<FactorRow> ServedModel::look_up(Side side, Datum id) {
  const IdType& type = id_type(side);
  LastRow& last = last_[index_of(side)];
  bool repeated = last.valid &&
                  server([&] { return datumIsEqual(last.id, id, type.by_value(), type.length()); });
  if (!repeated) {
    ++cached_->lookups[index_of(side)];
    last.valid = last.exists = false;
    SpiConnection spi;
    const char* condition = server([&] { return equals_condition(type, id_column(side)); });
    SPIPlanPtr plan =
        saved_plan(std::string("select ") + kFactorColumns + " from only " +
                       relation_name(model().factor_table(side)) + " where " + condition,
                   {type.base});
    for_each_row(plan, {{type.base, id}}, {FLOAT4ARRAYOID, FLOAT4OID, INT4OID},
                 [&](TupleTableSlot* slot) {
                   VectorView vector = model_vector(slot->tts_values[0], model(), side);
                   last.values.assign(vector.values, vector.values + vector.size);
                   last.bias = slot->tts_isnull[1] ? 0.0F : DatumGetFloat4(slot->tts_values[1]);
                   last.exists = true;
                 });
    spi.finish();
    server([&] {
      if (!type.by_value() && last.id != 0) pfree(DatumGetPointer(last.id));
      last.id = 0;
      MemoryContext old = MemoryContextSwitchTo(context_.get());
      last.id = datumCopy(id, type.by_value(), type.length());
      MemoryContextSwitchTo(old);
    });
    last.valid = true;
  }
  if (!last.exists) return std::nullopt;
  return FactorRow{last.values.data(), last.bias};
}

void ServedModel::revalidate() {
  for (LastRow& last : last_) last.valid = false;
}

std::shared_ptr<ServedModel> serve_model(Oid table) {
  watch_server();
  if (cache().last != nullptr && cache().last_view.is_current(table)) return cache().last;

  View view(table);
  const auto catalogs_are_current = [&] {
    return cache().last != nullptr && cache().last_view.has_current_catalogs(table);
  };
  // Looking may itself meet changes.
  if (catalogs_are_current() && cache().last_row.is_known() &&
      newest_row(table) == cache().last_row && catalogs_are_current()) {
    cache().last->revalidate();
    cache().last_view = std::move(view);
    return cache().last;
  }
  SpiConnection spi;
  Model model = read_model(table);
  spi.finish();
  auto served = std::make_shared<ServedModel>(cached_version(std::move(model)), GetUserId());
  if (served->is_reusable()) {
    // Reading the row may itself have met invalidations; what matters of them was looked up after.
    view.catalogs_seen();
    cache().last_view = std::move(view);
    cache().last_row = newest_row(table);
    cache().last = served;
  }
  return served;
}

std::vector<RegisteredSegment> private_segments() {
  std::vector<RegisteredSegment> segments;
  for (const auto& cached : cache().models) {
    const auto add = [&](const Segment& segment, Side side, SegmentKind of_users,
                         SegmentKind of_items) {
      if (segment.is_shared()) return;
      segments.push_back(
          {segment_key(cached->model, side, side == Side::kUsers ? of_users : of_items),
           segment.bytes(), 1, 0, 0});
    };
    for (Side side : {Side::kUsers, Side::kItems}) {
      if (const auto& rows = cached->sides[index_of(side)])
        add(rows->segment(), side, SegmentKind::kUserFactors, SegmentKind::kItemFactors);
      if (const auto& search = cached->searches[index_of(side)])
        add(*search->segment, side, SegmentKind::kUserSearch, SegmentKind::kItemSearch);
    }
  }
  return segments;
}

}  // namespace als::pg
