// A model ready to score, as one call sees it.
#include "pg/cache/served_model.h"

#include "core/kernels/kernels.h"
#include "pg/cache/seen_changes.h"
#include "pg/cache/snapshot_key.h"
#include "pg/model/factor_table.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

/// Rows fetched one by one before the whole side is read instead, and how often to look meanwhile
/// whether another session has done so.
constexpr std::size_t kLookupsBeforeLoad = 100;
constexpr int kLookupsBetweenLooks = 10;

/// Users can be many: where their side cannot be shared, it is kept only up to this size.
constexpr std::size_t kMaxPrivateUserBytes = std::size_t{256} << 20;

/// A model served lately, which a call to come most often asks for again.
struct LastServed {
  SnapshotKey key;
  RowVersion row;
  std::shared_ptr<ServedModel> model;
};

/// At most one for each model table, and of versions that the session keeps anyway. Never
/// destroyed: a backend ends without running destructors.
std::vector<LastServed>& last_served() {
  static auto* last = new std::vector<LastServed>;
  return *last;
}

LastServed* find_last_served(Oid table) {
  for (LastServed& last : last_served())
    if (last.key.table() == table) return &last;
  return nullptr;
}

template <class Condition>
void forget_served(Condition&& condition) {
  auto& all = last_served();
  all.erase(std::remove_if(all.begin(), all.end(), condition), all.end());
}

bool holds_rows_of_snapshot(const LastServed& last) { return last.model->holds_rows_of_snapshot(); }

void forget_rows_of_snapshot(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
    return;
  guard_silently([] { forget_served(holds_rows_of_snapshot); });
}

void watch_transactions() {
  static bool watching = false;
  if (watching) return;
  last_served();  // is made here, because the callback may not fail
  server([] { RegisterXactCallback(forget_rows_of_snapshot, nullptr); });
  watching = true;
}

}  // namespace

ServedModel::ServedModel(std::shared_ptr<CachedModel> cached, Oid user)
    : cached_(std::move(cached)), own_(std::make_shared<CachedModel>()), context_("als model") {
  for (Oid table :
       {model().table, model().factor_table(Side::kUsers), model().factor_table(Side::kItems)})
    row_security_ =
        row_security_ || server([&] { return check_enable_rls(table, user, true) == RLS_ENABLED; });
  // Factors that row-level security has filtered are this call's alone.
  if (row_security_) return;
  for (Side side : {Side::kUsers, Side::kItems})
    if (seen_changes(model(), side).are_seen) lifetimes_[side] = lifetime_of_rows(model(), side);
}

bool ServedModel::holds_rows_of_snapshot() const {
  return own_->sides.users != nullptr || own_->sides.items != nullptr;
}

CachedModel& ServedModel::kept(Side side) {
  return lifetimes_[side] == Lifetime::kSnapshot ? *own_ : *cached_;
}

const IdType& ServedModel::id_type(Side side) {
  IdType*& type = types_[side];
  if (type == nullptr) type = server([&] { return factor_id_type(model(), side, context_.get()); });
  return *type;
}

/// Table privileges are looked up; anything else (privileges on columns) is left to the executor.
void ServedModel::check_readable(Side side) {
  bool& readable = readable_[side];
  if (readable) return;
  Oid table = model().factor_table(side);
  bool granted =
      server([&] { return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK; });
  if (!granted) {
    SpiConnection spi;
    SPIPlanPtr plan = prepare(std::string("select ") + id_column(side) + ", " + kFactorColumns +
                              " from only " + locked_name(table) + " limit 0");
    for_each_row(plan, {}, {InvalidOid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID},
                 [](TupleTableSlot*) {});
    spi.finish();
  }
  readable = true;
}

const LoadedFactors& ServedModel::side(Side side) {
  check_readable(side);
  if (kept(side).sides[side] == nullptr) {
    FoundSegment found = factor_segment(model(), side, lifetimes_[side]);
    auto loaded = std::make_shared<LoadedFactors>(model(), side, std::move(found.segment));
    if (!is_filtered()) check_not_lost(model(), side, loaded->size());
    lifetimes_[side] = found.lifetime;
    kept(side).sides[side] = std::move(loaded);
    if (found.lifetime == Lifetime::kTransaction) kept(side).transaction_local = true;
  }
  return *kept(side).sides[side];
}

/// The search that is kept, made of the segment that find() finds or builds if there is none.
template <class Search, class Find, class... MoreRows>
const Search& ServedModel::kept_search(BySide<std::shared_ptr<SideSearch<Search>>>& searches,
                                       Side side, const Find& find, MoreRows... more) {
  const LoadedFactors& rows = *kept(side).sides[side];
  std::shared_ptr<SideSearch<Search>>& loaded = searches[side];
  if (loaded == nullptr) {
    std::shared_ptr<Segment> segment = find(model(), side, rows, lifetimes_[side]);
    const Search search(segment->data(), rows.rows(), more...);
    loaded = std::make_shared<SideSearch<Search>>(SideSearch<Search>{std::move(segment), search});
    if (lifetimes_[side] == Lifetime::kTransaction) kept(side).transaction_local = true;
  }
  count_hit(*loaded->segment);
  return loaded->search;
}

const TopKSearch& ServedModel::search(Side side) {
  const LoadedFactors& rows = this->side(side);
  return kept_search(kept(side).searches, side, search_segment, rows.bias());
}

const CosineSearch& ServedModel::cosine_search(Side side) {
  this->side(side);
  return kept_search(kept(side).cosine_searches, side, cosine_search_segment);
}

/// Takes a side that another session has loaded.
bool ServedModel::take_existing(Side side) {
  if (lifetimes_[side] == Lifetime::kSnapshot ||
      kept(side).lookups[side] % kLookupsBetweenLooks != 0)
    return false;
  std::shared_ptr<Segment> segment = existing_factor_segment(model(), side);
  if (segment == nullptr) return false;
  kept(side).sides[side] = std::make_shared<LoadedFactors>(model(), side, std::move(segment));
  return true;
}

bool ServedModel::worth_loading(Side side, std::size_t more_lookups) {
  const std::size_t lookups = static_cast<std::size_t>(kept(side).lookups[side]) + more_lookups;
  if (is_filtered() || lookups < kLookupsBeforeLoad) return false;
  std::size_t row_bytes = static_cast<std::size_t>(model().factors) * sizeof(float) + 64;
  return side == Side::kItems || static_cast<std::size_t>(model().n_users) * row_bytes <=
                                     std::max(cache_size(), kMaxPrivateUserBytes);
}

const LoadedFactors* ServedModel::side_for(Side side, std::size_t lookups) {
  check_readable(side);
  if (kept(side).sides[side] == nullptr && !worth_loading(side, lookups)) return nullptr;
  return &this->side(side);
}

/// An empty factor table answers like one that does not know the id.
void ServedModel::check_holds_rows(Side side) {
  bool& known = kept(side).holds_rows[side];
  if (known || is_filtered()) return;
  check_not_lost(model(), side);
  known = true;
}

std::optional<FactorRow> ServedModel::find(Side side, Datum id) {
  check_readable(side);
  if (kept(side).sides[side] == nullptr && !take_existing(side) && !worth_loading(side)) {
    std::optional<FactorRow> row = look_up(side, id);
    if (!row) check_holds_rows(side);
    return row;
  }
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
  LastRow& last = last_[side];
  bool repeated = last.valid &&
                  server([&] { return datumIsEqual(last.id, id, type.by_value(), type.length()); });
  if (!repeated) {
    ++kept(side).lookups[side];
    last.valid = last.exists = false;
    SpiConnection spi;
    const char* condition = server([&] { return equals_condition(type, id_column(side)); });
    SPIPlanPtr plan =
        saved_plan(std::string("select ") + kFactorColumns + " from only " +
                       locked_name(model().factor_table(side)) + " where " + condition,
                   {type.base});
    for_each_row(plan, {{type.base, id}}, {FLOAT4ARRAYOID, FLOAT4OID, INT4OID},
                 [&](TupleTableSlot* slot) {
                   if (slot->tts_isnull[0]) return;  // as if there were no such row
                   VectorView vector = model_vector(slot->tts_values[0], model(), side);
                   last.values.assign(vector.values, vector.values + vector.size);
                   last.bias = model_bias(slot->tts_values[1], slot->tts_isnull[1], model(), side);
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

bool ServedModel::revalidate() {
  for (Side side : {Side::kUsers, Side::kItems}) {
    Lifetime& lifetime = lifetimes_[side];
    if (lifetime != Lifetime::kSnapshot) lifetime = lifetime_of_rows(model(), side);
    if (lifetime == Lifetime::kSnapshot) return false;
    last_[side].valid = false;
  }
  return true;
}

namespace {

/// Whether a call would be served the same. Looking, and waiting for locks, may itself meet
/// changes. (But it runs nothing that could come here again.)
bool is_still_current(const LastServed& last, Oid table) {
  if (!last.key.has_current_catalogs() || !last.row.is_known() || !(newest_row(table) == last.row))
    return false;
  for (Side side : {Side::kUsers, Side::kItems})
    server([&] { lock_factor_table(last.model->model().factor_tables[side]); });
  return last.key.has_current_catalogs() && last.model->revalidate();
}

}  // namespace

std::shared_ptr<ServedModel> serve_model(Oid table) {
  LastServed* last = find_last_served(table);
  if (last != nullptr) {
    used_again(last->model->cached());
    if (last->key.is_current()) return last->model;
  }

  watch_transactions();
  SnapshotKey key(table);
  if (last != nullptr && is_still_current(*last, table)) {
    last->key = std::move(key);
    return last->model;
  }
  SpiConnection spi;
  Model model = read_model(table);
  spi.finish();
  auto served = std::make_shared<ServedModel>(cached_version(std::move(model)), GetUserId());
  forget_served([&](const LastServed& other) {
    return other.key.table() == table || holds_rows_of_snapshot(other) ||
           !is_kept(other.model->cached());
  });
  if (!served->is_filtered()) {
    // Reading the row may itself have met invalidations; what matters of them was looked up after.
    key.catalogs_seen();
    last_served().push_back({std::move(key), newest_row(table), served});
  }
  return served;
}

}  // namespace als::pg
