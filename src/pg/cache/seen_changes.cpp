// Whether changes of factors give their side a new version, known for as long as nothing is done to
// the tables.
#include "pg/cache/seen_changes.h"

#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

struct Known {
  Oid model;
  Oid table;
  bool is_current;
  SeenChanges changes;
};

constexpr std::size_t kMaxKnown = 256;

// Never destroyed: a backend ends without running destructors.
std::vector<Known>& known_tables() {
  static auto* known = new std::vector<Known>;
  return *known;
}

void forget_relation(Oid relation) {
  for (Known& known : known_tables())
    if (!OidIsValid(relation) || known.model == relation || known.table == relation)
      known.is_current = false;
}

/// A subscription's copy of a table has begun or ended.
void forget_all(Datum, int, uint32) { forget_relation(InvalidOid); }

void watch_tables() {
  static bool watching = false;
  if (watching) return;
  known_tables();  // are made here, because the callbacks may not fail
  server([] {
    watch_relations(forget_relation);
    CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, forget_all, 0);
  });
  watching = true;
}

std::uint64_t version_trigger_of(Oid table) {
  return server([&] {
    std::uint64_t number = 0;
    find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId, {{Anum_pg_trigger_tgrelid, table}},
                    [&](HeapTuple row, TupleDesc) {
                      const char* function =
                          get_func_name(reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgfoid);
                      if (function != nullptr && std::strcmp(function, "factors_changed") == 0) {
                        const TransactionId written = HeapTupleHeaderGetRawXmin(row->t_data);
                        number = hash_combine64(number, hash_bytes_uint32_extended(written, 0));
                      }
                      return false;
                    });
    return number;
  });
}

std::size_t place_of(Oid model, Oid table) {
  auto& all = known_tables();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].model == model && all[i].table == table) return i;
  if (all.size() >= kMaxKnown) all.clear();
  all.push_back({model, table, false, {}});
  return all.size() - 1;
}

}  // namespace

SeenChanges seen_changes(const Model& model, Side side) {
  watch_tables();
  const std::size_t place = place_of(model.table, model.factor_table(side));
  // Looking may itself meet changes.
  for (int i = 0; i < 3 && !known_tables()[place].is_current; ++i) {
    known_tables()[place].is_current = true;
    const SeenChanges changes{changes_are_seen(model, side, Sessions::kOrdinary),
                              version_trigger_of(model.factor_table(side))};
    known_tables()[place].changes = changes;
  }
  return known_tables()[place].changes;
}

}  // namespace als::pg
