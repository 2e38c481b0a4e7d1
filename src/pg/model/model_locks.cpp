// The locks of whoever writes a model: what they wait for, in which order, and what is looked at
// again after the wait.
#include "pg/model/claims.h"
#include "pg/model/model_writer.h"
#include "pg/model/newest_run.h"
#include "pg/model/ownership.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/server/short_lived_resources.h"
#include "pg/sql/installed_version.h"

namespace als::pg {

namespace {

std::string name_of_model(Oid model) {
  check_is_not_dropped(model);
  return relation_name(model);
}

}  // namespace

ModelWriter::ModelWriter(Oid model) : ModelWriter(name_of_model(model)) {}

void ModelWriter::lock(bool replace, const std::vector<RelationLock>& besides) {
  check_installed_version();
  if (!lock_together(besides, [&] { return try_lock(replace); }))
    throw UserError(ERRCODE_T_R_SERIALIZATION_FAILURE,
                    format("model %s has changed meanwhile", qualified_name().c_str()),
                    "Try again.");
  for (Side side : {Side::kUsers, Side::kItems})
    if (OidIsValid(factor_table(side))) mend_table(factor_table(side));
}

/// Waits for the model. Returns false where it was dropped, or its tables became others, meanwhile.
bool ModelWriter::try_lock(bool replace) {
  factor_tables_ = {};
  newest_run_ = 0;
  table_ = target_table_.find_or_claim();
  if (!OidIsValid(table_)) return true;
  check_may_be_written(table_, replace);
  return lock_tables();
}

void ModelWriter::check_may_be_written(Oid table, bool replace) const {
  if (!replace)
    throw UserError(ERRCODE_DUPLICATE_TABLE,
                    format("relation \"%s\" already exists", target_table_.relation().c_str()),
                    server([&] { return is_model(table); })
                        ? "Use replace => true to give an existing model a new run."
                        : "It is not a model: give the model another name, or name its schema.");
  check_is_model(table);
  // Its rows are read without a plan, which would have seen to this.
  check_has_any(table, ACL_SELECT);
}

void ModelWriter::check_may_begin(bool replace) const {
  target_table_.check_may_make();
  const Oid table = target_table_.find();
  if (!OidIsValid(table)) return;
  check_may_be_written(table, replace);
  check_has_any(table, ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE);
}

void ModelWriter::lock_model(Oid model, const std::vector<RelationLock>& besides) {
  check_has_name(model);
  lock(true, besides);
  check_has_name(model);
}

void ModelWriter::check_has_name(Oid model) const {
  if (target_table_.find() != model)
    throw UserError(ERRCODE_UNDEFINED_TABLE,
                    format("model \"%s\" has been renamed or dropped meanwhile",
                           target_table_.relation().c_str()),
                    "Try again.");
}

void ModelWriter::lock_unchanged(bool replace, const std::vector<RelationLock>& besides) {
  const Oid table = table_;
  const std::int64_t run = newest_run_;
  const char* what = nullptr;
  if (OidIsValid(table) && target_table_.find() != table) {
    what = "dropped or renamed";
  } else {
    lock(replace, besides);
    if (table_ != table)
      what = OidIsValid(table) ? "dropped or renamed" : "made by somebody else";
    else if (newest_run_ != run)
      what = "given or deprived of another run";
  }
  if (what == nullptr) return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("model \"%s\" was %s while it was trained", target_table_.relation().c_str(), what),
      "Nothing was written. Train again.");
}

void ModelWriter::claim_turn() const {
  if (target_table_.try_turn()) return;
  throw UserError(ERRCODE_OBJECT_IN_USE,
                  format("a training in steps is at work on model %s", qualified_name().c_str()),
                  "Wait for its end, which als.progress estimates, or cancel it.");
}

/// A dump keeps neither the record of a factor table nor, where it went wrong, the row that names
/// it. One that has the name that als would give it now, belongs to the model's owner, bears our
/// trigger and is claimed by no model can be nobody else's.
Oid ModelWriter::find_unclaimed_table(Side side) const {
  const Oid table = server([&] {
    const char* name = makeObjectName(target_table_.relation().c_str(), side_name(side), "factors");
    return get_relname_relid(name, target_table_.schema());
  });
  if (!OidIsValid(table) || !is_provably_of(table_, table, side)) return InvalidOid;
  const Claims claims = claims_on(table);
  return !OidIsValid(claims.recorded) && claims.claims.empty() ? table : InvalidOid;
}

/// The table that the newest run names, or one that the model had before its rows were deleted. A
/// newest run that names a copy was not the newest when it was kept.
Oid ModelWriter::find_factor_table(Side side, Oid named) const {
  if (relation_name(named).empty()) {
    const Oid recorded = server([&] { return recorded_factors(table_, side); });
    return OidIsValid(recorded) ? recorded : find_unclaimed_table(side);
  }
  check_is_provably_of(table_, named, side);
  if (!server([&] { return is_kept_copy(table_, named, side); })) return named;
  const Oid watched = server([&] { return recorded_factors(table_, side); });
  return OidIsValid(watched) ? watched : named;
}

void ModelWriter::find_factor_tables() {
  SnapshotScope snapshot;
  const NamedFactors newest = named_factors(table_);
  newest_run_ = newest.exists ? newest.run : 0;
  for (Side side : {Side::kUsers, Side::kItems})
    factor_tables_[side] = find_factor_table(side, newest.tables[side]);
  snapshot.pop();
}

/// A transaction that keeps to one snapshot would write beside rows that it does not see, and take
/// ratings for refreshed or trained that are not.
void ModelWriter::check_sees_last_write() const {
  if (!IsolationUsesXactSnapshot()) return;
  SnapshotScope snapshot;
  const RowVersion seen = newest_row(table_);
  snapshot.pop();
  server([] { PushActiveSnapshot(GetLatestSnapshot()); });
  const RowVersion last = newest_row(table_);
  snapshot.pop();
  if (seen == last) return;
  throw UserError(
      ERRCODE_T_R_SERIALIZATION_FAILURE,
      format("model %s has been written since this transaction began", qualified_name().c_str()),
      "Try again in a new transaction.");
}

/// The factor tables come first, as in a statement that changes them and whose trigger then updates
/// the model row.
std::vector<RelationLock> ModelWriter::locks_of_tables() const {
  std::vector<RelationLock> locks;
  for (Oid table : {factor_table(Side::kUsers), factor_table(Side::kItems), table_})
    if (OidIsValid(table)) locks.push_back({table, ShareRowExclusiveLock});
  return locks;
}

/// Readers go on undisturbed; anyone else who would change the model's rows waits. By OIDs first:
/// as long as others are waited for, names may become those of other tables.
bool ModelWriter::lock_tables() {
  // Whoever has the factors may want to drop the model's table: who waits for them must not have
  // it.
  ShortLivedResources locks;
  find_factor_tables();
  locks.release();
  const BySide<Oid> factors = factor_tables_;
  for (const RelationLock& lock : locks_of_tables()) check_has_any(lock.relation, kMayLock);
  take_locks(locks_of_tables());
  if (target_table_.find() != table_) return false;
  find_factor_tables();
  if (factors.users != factor_tables_.users || factors.items != factor_tables_.items) return false;
  std::string names;
  for (const RelationLock& lock : locks_of_tables())
    names += (names.empty() ? "" : ", ") + relation_name(lock.relation);
  lock_tables_on_nodes("lock table only " + names + " in share row exclusive mode");
  check_sees_last_write();
  return true;
}

}  // namespace als::pg
