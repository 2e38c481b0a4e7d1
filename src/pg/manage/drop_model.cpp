// als.drop_model: a model's table and those factor tables that are provably its own. Tables that
// are attached to it lose their trigger, which depends on the model's table.

#include "pg/features/feature_table.h"
#include "pg/model/claims.h"
#include "pg/model/model_writer.h"
#include "pg/model/ownership.h"
#include "pg/model/previous_run.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/server/may_write.h"
#include "pg/sql/params.h"
#include "pg/track/change_queue.h"

namespace als::pg {

namespace {

/// After a restore a copy of a model table names the same factors, and nothing tells which of the
/// two is the model.
void check_has_no_other_claim(Oid table, Oid model) {
  const Claims claims = claims_on(table);
  if (OidIsValid(claims.recorded)) return;
  for (const Claim& claim : claims.claims) {
    if (claim.model == model) continue;
    const std::string name = relation_name(model);
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("%s may be the factors of model %s or of model %s", relation_name(table).c_str(),
               name.c_str(), relation_name(claim.model).c_str()),
        "Remove the copy of the model's table with DROP TABLE, or let als.train or als.refresh_* "
        "of the true model make the table its own.");
  }
}

/// Functions of als.create_functions that came with a dump: from now on they go when the model
/// goes.
void record_functions(Oid model) {
  const bool exists = server([] {
    const Oid argument = REGCLASSOID;
    List* name = list_make2(makeString(pstrdup("als")), makeString(pstrdup("_functions_of")));
    return OidIsValid(LookupFuncName(name, 1, &argument, true));
  });
  if (!exists) return;  // in 1.0
  execute("select als._record_function(f, $1) from als._functions_of($1) as f",
          {class_param(model)});
}

/// Readers come to the model first, so it is locked first against them; then a tracked source, and
/// what notes its changes last.
std::vector<RelationLock> locks_to_drop(Oid model) {
  std::vector<RelationLock> locks = locks_of_sources(server([&] { return recorded_queue(model); }));
  locks.insert(locks.begin(), {model, AccessExclusiveLock});
  return locks;
}

void drop_model(Oid model) {
  check_is_model(model);
  // As DROP TABLE has it, but before anything is locked.
  server([&] { check_owns_relation(model); });
  SpiConnection spi;
  ModelWriter store(model);
  store.lock_model(model, locks_to_drop(model));
  if (store.is_spread()) check_is_coordinator();
  std::string tables = relation_name(model);
  for (Side side : {Side::kUsers, Side::kItems}) {
    const Oid factors = store.factor_table(side);
    if (!OidIsValid(factors) || server([&] { return is_attached(factors); })) continue;
    check_has_no_other_claim(factors, model);
    tables += ", " + relation_name(factors);
  }
  PreviousRun(store).adopt();
  for (Side side : {Side::kUsers, Side::kItems}) FeatureTable(store, side).adopt();
  record_functions(model);
  take_locks(locks_to_drop(model));
  execute("drop table " + tables);
  spi.finish();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_drop_model)

/// als.drop_model(model regclass)
Datum als_drop_model(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&]() -> Datum {
    check_may_write("als.drop_model()");
    drop_model(PG_GETARG_OID(0));
    PG_RETURN_VOID();
  });
}
