// als.touch: a model gets new versions, as after a change of its factors that no trigger has seen.

#include "pg/model/newest_run.h"
#include "pg/model/ownership.h"
#include "pg/server/may_write.h"
#include "pg/server/relation_lock.h"
#include "pg/server/short_lived_resources.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

void check_factors(Oid model, Oid table, Side side) {
  if (relation_name(table).empty())
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the %s factors of model %s are gone", side_name(side),
                           relation_name(model).c_str()),
                    "Remove the rest with als.drop_model and train the model again.");
  check_is_provably_of(model, table, side);
}

/// Before others wait for the caller.
void check_may_update(Oid model) {
  const Oid caller = GetUserId();
  if (pg_class_aclcheck(model, caller, ACL_UPDATE) != ACLCHECK_OK &&
      pg_attribute_aclcheck_all(model, caller, ACL_UPDATE, ACLMASK_ANY) != ACLCHECK_OK)
    aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(model));
}

/// That of a writer; of a reader for whoever may not keep writers waiting.
LOCKMODE lock_of_factors(Oid table) {
  return server([&] {
    const bool may = get_rel_name(table) != nullptr &&
                     pg_class_aclcheck(table, GetUserId(), kMayLock) == ACLCHECK_OK;
    return may ? ShareRowExclusiveLock : AccessShareLock;
  });
}

NamedFactors checked_factors(Oid model) {
  const NamedFactors newest = named_factors(model);
  for (Side side : {Side::kUsers, Side::kItems})
    if (newest.exists) check_factors(model, newest.tables[side], side);
  return newest;
}

/// As for the update below, and in the order of whoever writes the model. But the row may name any
/// table, for which nobody is to wait.
NamedFactors lock_tables(Oid model) {
  check_is_model(model);
  server([&] { check_may_update(model); });
  // als.drop_model waits for whoever has read.
  ShortLivedResources short_lived;
  SnapshotScope snapshot;
  const NamedFactors newest = checked_factors(model);
  snapshot.pop();
  short_lived.release();
  for (Side side : {Side::kUsers, Side::kItems})
    if (newest.exists) take_locks({{newest.tables[side], lock_of_factors(newest.tables[side])}});
  lock_model_table(model, RowExclusiveLock);
  return newest;
}

void touch(Oid model) {
  SpiConnection spi;
  const NamedFactors locked = lock_tables(model);
  SnapshotScope snapshot;
  // Counting the rows of a view would run its functions.
  const NamedFactors newest = checked_factors(model);
  const std::string name = relation_name(model);
  for (Side side : {Side::kUsers, Side::kItems})
    if (newest.exists != locked.exists || newest.tables[side] != locked.tables[side])
      throw UserError(ERRCODE_T_R_SERIALIZATION_FAILURE,
                      format("model %s has changed meanwhile", name.c_str()), "Try again.");
  if (!newest.exists)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s holds no training run", name.c_str()),
                    "Train it with als.train(..., replace => true).");
  const auto rows_of = [](Oid table) { return count_rows("from only " + locked_name(table)); };
  const std::uint64_t updated = execute(
      "update only " + name +
          " set version = $1, user_version = $2, item_version = $3, n_users = $4, n_items = "
          "$5 where run operator(pg_catalog.=) $6",
      {new_version_param(), new_version_param(), new_version_param(),
       bigint_param(rows_of(newest.tables.users)), bigint_param(rows_of(newest.tables.items)),
       bigint_param(newest.run)});
  if (updated != 1)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the newest row of %s could not be updated", name.c_str()),
                    "Row-level security may hide it from you, or a trigger suppress the update.");
  snapshot.pop();
  spi.finish();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_touch)

/// als.touch(model regclass)
Datum als_touch(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&]() -> Datum {
    check_may_write("als.touch()");
    touch(PG_GETARG_OID(0));
    PG_RETURN_VOID();
  });
}
