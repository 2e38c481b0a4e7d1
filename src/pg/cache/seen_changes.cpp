// Whether changes of factors give their side a new version, known for as long as nothing is done to
// the tables.
#include "pg/cache/seen_changes.h"

#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/server/relation_changes.h"

namespace als::pg {

namespace {

KnownFacts<SeenChanges>& known_changes() {
  static auto* known = new KnownFacts<SeenChanges>;
  return *known;
}

void forget_relation(Oid relation) {
  known_changes().forget(relation, [](const SeenChanges&, Oid) { return false; });
}

/// A subscription's copy of a table has begun or ended.
void forget_all(Datum, int, uint32) { forget_relation(InvalidOid); }

void watch_tables() {
  static bool watching = false;
  if (watching) return;
  known_changes();  // are made here, because the callbacks may not fail
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

}  // namespace

SeenChanges seen_changes(const Model& model, Side side) {
  watch_tables();
  return known_changes().about(model.table, model.factor_table(side), [&] {
    return SeenChanges{changes_are_seen(model, side, Sessions::kOrdinary),
                       version_trigger_of(model.factor_table(side))};
  });
}

}  // namespace als::pg
