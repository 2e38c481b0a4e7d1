#include "pg/model_cache.h"

#include "core/gram.h"
#include "pg/interruptible_team.h"

namespace als::pg {

namespace {

/// Rows fetched one by one before the whole side is read instead.
constexpr int kLookupsBeforeLoad = 100;

/// Users can be many: their side is kept only up to this size, items always.
constexpr std::size_t kMaxUserSideBytes = std::size_t{256} << 20;

/// Versions kept by one backend, most recently used first.
constexpr std::size_t kMaxCachedModels = 4;

int index_of(Side side) { return side == Side::kUsers ? 0 : 1; }

/// Counts what other sessions change about relations and roles: a new privilege, row-level
/// security, a rename. Nothing remembered before such a change is trusted after it.
std::uint64_t invalidations = 0;

void count_invalidation(Datum, int, uint32) { ++invalidations; }

void count_relation_invalidation(Datum, Oid) { ++invalidations; }

/// A rollback to a savepoint takes back what snapshots have seen without giving them new numbers.
void count_rollback(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) ++invalidations;
}

void watch_invalidations() {
  static bool watching = false;
  if (watching) return;
  server([] {
    CacheRegisterRelcacheCallback(count_relation_invalidation, 0);
    CacheRegisterSyscacheCallback(AUTHOID, count_invalidation, 0);
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, count_invalidation, 0);
    RegisterSubXactCallback(count_rollback, nullptr);
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

  /// Whether a call for this table would now see what this view saw.
  bool is_current(Oid table) const {
    Snapshot snapshot = GetActiveSnapshot();
    return table_ == table && user_ == GetUserId() && transaction_ == current_lxid() &&
           invalidations_ == invalidations && command_ == snapshot->curcid &&
           xmin_ == snapshot->xmin && xmax_ == snapshot->xmax &&
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
  std::shared_ptr<ServedModel> last;
};

// Never destroyed: a backend ends without running destructors.
Cache& cache() {
  static auto* instance = new Cache;
  return *instance;
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

const FactorSide& ServedModel::side(Side side) {
  check_readable(side);
  std::unique_ptr<FactorSide>& loaded = cached_->sides[index_of(side)];
  if (loaded == nullptr) {
    SpiConnection spi;
    loaded = std::make_unique<FactorSide>(model(), side);
    spi.finish();
  }
  return *loaded;
}

const float* ServedModel::item_gram() {
  const FactorSide& items = side(Side::kItems);
  if (cached_->item_gram == nullptr) {
    ThreadTeam alone = interruptible_team(1);
    cached_->item_gram = std::make_unique<NormalEquations>(
        gram_of(items.view(), items.size(), items.matrix().cols(), alone));
  }
  return cached_->item_gram->matrix();
}

bool ServedModel::worth_loading(Side side) const {
  if (!is_reusable() || cached_->lookups[index_of(side)] < kLookupsBeforeLoad) return false;
  std::size_t row_bytes = static_cast<std::size_t>(model().factors) * sizeof(float) + 64;
  return side == Side::kItems ||
         static_cast<std::size_t>(model().n_users) * row_bytes <= kMaxUserSideBytes;
}

std::optional<FactorRow> ServedModel::find(Side side, Datum id) {
  check_readable(side);
  if (cached_->sides[index_of(side)] == nullptr && !worth_loading(side)) return look_up(side, id);
  const FactorSide& all = this->side(side);
  std::uint32_t index = server([&] { return all.ids().find(id); });
  if (index == IdDictionary::kMissing) return std::nullopt;
  return FactorRow{all.matrix().row(index), all.bias()[index]};
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

std::shared_ptr<ServedModel> serve_model(Oid table) {
  watch_invalidations();
  if (cache().last != nullptr && cache().last_view.is_current(table)) return cache().last;

  View view(table);
  SpiConnection spi;
  Model model = read_model(table);
  spi.finish();
  auto served = std::make_shared<ServedModel>(cached_version(std::move(model)), GetUserId());
  if (served->is_reusable()) {
    // Reading the row may itself have met invalidations; what matters of them was looked up after.
    view.catalogs_seen();
    cache().last_view = std::move(view);
    cache().last = served;
  }
  return served;
}

}  // namespace als::pg
