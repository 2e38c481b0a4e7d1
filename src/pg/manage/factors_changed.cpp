// als.factors_changed(): the trigger of factor tables.
//
// What is kept in memory of a side goes by the side's version in the model row, so whoever changes
// factors must change that too. This does it, for every model that may say that the factors are its
// own, or refuses the change.

#include "pg/model/claims.h"
#include "pg/model/ownership.h"

namespace als::pg {

namespace {

void check_may_update(const Claim& claim, const std::string& model) {
  const bool may = server([&] {
    return pg_class_aclcheck(claim.model, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
           pg_class_aclcheck(claim.model, GetUserId(), ACL_UPDATE) == ACLCHECK_OK;
  });
  if (!may)
    throw UserError(
        ERRCODE_INSUFFICIENT_PRIVILEGE,
        format("permission denied: changing factors gives model %s a new version", model.c_str()),
        format("Whoever changes its factors needs select and update on %s.", model.c_str()));
}

/// A run whose factors are no longer there has no version, and gets none.
std::string new_version(Side side) {
  const std::string column = std::string(side_name(side)) + "_version";
  return ", " + column + " = case when " + column +
         " is not null then pg_catalog.gen_random_uuid() end";
}

void renew_versions(const Claim& claim, Oid table) {
  lock_model_table(claim.model);
  const std::string model = relation_name(claim.model);
  check_may_update(claim, model);
  std::string set = "version = pg_catalog.gen_random_uuid()";
  for (Side side : {Side::kUsers, Side::kItems})
    if (claim.run.tables[side] == table) set += new_version(side);
  if (execute("update " + model + " set " + set + " where run operator(pg_catalog.=) $1",
              {{INT8OID, Int64GetDatum(claim.run.run)}}) > 0)
    return;
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  format("changing factors gives model %s a new version, but its newest row could "
                         "not be updated",
                         model.c_str()),
                  "Row-level security may hide it from you, or a trigger suppress the update.");
}

/// After a restore. Where several models name the table, als.train or als.refresh_* tells whose it
/// is.
void record_owner(const Claim& claim, Oid table) {
  const Side side = claim.run.tables.users == table ? Side::kUsers : Side::kItems;
  if (!server([&] { return owns_relation(table); }) || !is_provably_of(claim.model, table, side))
    return;
  server([&] { record_model(table, claim.model); });
}

/// Nothing can be kept of factors that no row names; but more likely than not a model should.
void refuse_change(Oid table) {
  // Tables are restored and replicated one by one, in any order.
  if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) return;
  const std::string name = relation_name(table);
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  format("no model names %s for its factors", name.c_str()),
                  format("If it is to be a table like any other, use: drop trigger als_version on "
                         "%s",
                         name.c_str()),
                  "A model and its factor tables have one owner.");
}

void factors_changed(Oid table) {
  SpiConnection spi;
  const Claims claims = claims_on(table);
  for (const Claim& claim : claims.claims) renew_versions(claim, table);
  if (!OidIsValid(claims.recorded)) {
    if (claims.claims.empty()) refuse_change(table);
    if (claims.claims.size() == 1) record_owner(claims.claims.front(), table);
  }
  spi.finish();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_factors_changed)

/// als.factors_changed(): trigger
Datum als_factors_changed(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&]() -> Datum {
    if (!CALLED_AS_TRIGGER(fcinfo))
      throw UserError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                      "als.factors_changed() is a trigger of factor tables",
                      "als.train puts it there.");
    const auto* call = reinterpret_cast<TriggerData*>(fcinfo->context);
    const char* name = call->tg_trigger->tgname;
    if (std::strcmp(name, kKeptTrigger) != 0 && std::strcmp(name, kFeaturesTrigger) != 0)
      factors_changed(RelationGetRelid(call->tg_relation));
    PG_RETURN_POINTER(nullptr);
  });
}
