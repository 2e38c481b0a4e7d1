// Copies the factors of a run, finds the copies again, and puts them back.
#include "pg/model/previous_run.h"

#include "pg/model/factor_table.h"
#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

/// Whether a view, say, needs the table. Making one takes no privilege on it, so that a stranger
/// could otherwise keep a model from being trained. A server call.
bool is_needed_by_others(Oid table) {
  bool needed = false;
  find_in_catalog(
      DependRelationId, DependReferenceIndexId,
      {{Anum_pg_depend_refclassid, RelationRelationId}, {Anum_pg_depend_refobjid, table}},
      [&](HeapTuple row, TupleDesc) {
        needed = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row))->deptype == DEPENDENCY_NORMAL;
        return needed;
      });
  return needed;
}

[[noreturn]] void throw_suppressed(const std::string& what) {
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, what,
                  "Look for a trigger or a policy on the table that suppresses changes.");
}

}  // namespace

/// A row may name any table, so only what is provably a copy counts. Its counterpart may be gone.
std::vector<PreviousRun::Copies> PreviousRun::find_all() const {
  std::vector<Copies> found;
  SnapshotScope snapshot;
  SPIPlanPtr plan = prepare("select user_factors, item_factors, run from only " +
                            model_.qualified_name() + " order by run");
  for_each_row(plan, {}, {REGCLASSOID, REGCLASSOID, INT8OID}, [&](TupleTableSlot* slot) {
    Copies copies{DatumGetInt64(slot->tts_values[2]), {}};
    const auto take = [&](Side side, int column) {
      if (slot->tts_isnull[column]) return;
      const Oid named = DatumGetObjectId(slot->tts_values[column]);
      if (named != model_.factor_table(side) && server([&] {
            return holds_under_lock(named,
                                    [&] { return is_kept_copy(model_.table(), named, side); });
          }))
        copies.tables[side] = named;
    };
    take(Side::kUsers, 0);
    take(Side::kItems, 1);
    if (OidIsValid(copies.tables.users) || OidIsValid(copies.tables.items)) found.push_back(copies);
  });
  snapshot.pop();
  return found;
}

std::optional<PreviousRun::Copies> PreviousRun::find() const {
  const std::vector<Copies> found = find_all();
  if (found.empty()) return std::nullopt;
  return found.back();
}

void PreviousRun::adopt() const {
  for (const Copies& copies : find_all())
    for (Side side : {Side::kUsers, Side::kItems})
      server([&] {
        const Oid table = copies.tables[side];
        if (OidIsValid(table) && !OidIsValid(recorded_model(table)))
          record_model(table, model_.table());
      });
  server([] { CommandCounterIncrement(); });
}

std::uint64_t PreviousRun::name_tables(std::int64_t run, const BySide<Oid>& tables,
                                       const char* more) {
  return execute("update only " + model_.qualified_name() +
                     " set user_factors = $1, item_factors = $2" + more +
                     " where run operator(pg_catalog.=) $3 returning *",
                 {class_param(tables.users), class_param(tables.items), bigint_param(run)});
}

/// What others need stays, with a notice, and goes with the model.
void PreviousRun::drop(const Copies& copies) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    const Oid table = copies.tables[side];
    if (!OidIsValid(table)) continue;
    const std::string name = relation_name(table);
    if (!server([&] { return is_needed_by_others(table); })) {
      execute("drop table " + name);
      continue;
    }
    execute("delete from only " + name);
    server([&] {
      ereport(NOTICE, (errmsg("table %s, which kept an earlier run, stays", name.c_str()),
                       errdetail("It is empty, but other objects depend on it."),
                       errhint("It goes with the model; or drop it by hand.")));
    });
  }
}

bool PreviousRun::is_callers() const {
  return server([&] { return owns_relation(model_.table()); });
}

void PreviousRun::forget() {
  const std::optional<Copies> copies = find();
  if (!copies) return;
  if (!is_callers()) {
    const std::string model = model_.qualified_name();
    server([&] {
      ereport(NOTICE,
              (errmsg("run " INT64_FORMAT " of model %s stays kept",
                      static_cast<int64>(copies->run), model.c_str()),
               errdetail("Its tables belong to the owner of the model."),
               errhint("The owner's next training removes them, als.rollback_model serves them.")));
    });
    return;
  }
  adopt();
  name_tables(copies->run, model_.factor_tables(), "");
  drop(*copies);
}

Oid PreviousRun::copy(Side side) {
  const Oid from = model_.factor_table(side);
  check_factor_columns(from, side, model_.qualified_name());
  const CollatedType type = server([&] { return column_type_of(from, id_column(side)); });
  const bool unlogged =
      server([&] { return get_rel_persistence(from) == RELPERSISTENCE_UNLOGGED; });
  const Oid to = model_.create_factor_table(side, "factors_previous", type, unlogged);
  server([&] { record_model(to, model_.table()); });
  const std::string copied = shared_columns(side, from, to);
  execute(std::string("create trigger ") + kKeptTrigger + " after truncate on " +
          relation_name(to) + " for each statement execute function als.factors_changed()");
  execute("insert into " + relation_name(to) + " (" + copied + ") select " + copied +
          " from only " + relation_name(from));
  return to;
}

void PreviousRun::check_may_keep() const {
  if (!OidIsValid(model_.table())) return;
  if (model_.is_spread())
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("no run is kept of model %s, whose tables are spread over a cluster",
                           model_.qualified_name().c_str()),
                    "Leave keep_previous out. Train a model of another name instead, and have it "
                    "serve once it is good.");
  if (is_callers()) return;
  throw UserError(
      ERRCODE_INSUFFICIENT_PRIVILEGE,
      format("must be owner of model %s to keep its newest run", model_.qualified_name().c_str()),
      "Leave keep_previous out, or train as the owner or a member of that role.");
}

void PreviousRun::keep() {
  if (model_.newest_run() == 0) return;
  made_ = Copies{model_.newest_run(), {copy(Side::kUsers), copy(Side::kItems)}};
}

void PreviousRun::record() {
  if (made_) name_tables(made_->run, made_->tables, "");
}

void PreviousRun::check_is_whole(const Copies& copies) const {
  for (Side side : {Side::kUsers, Side::kItems}) {
    if (OidIsValid(copies.tables[side])) continue;
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("the %s factors of run " INT64_FORMAT " of model %s, which was kept, are gone",
               side_name(side), static_cast<int64>(copies.run), model_.qualified_name().c_str()),
        "The run cannot be brought back. The next training removes what is left of it.",
        format("Table %s still holds the other factors of the run.",
               relation_name(copies.tables[other_side(side)]).c_str()));
  }
}

void PreviousRun::restore() {
  const std::optional<Copies> kept = find();
  const std::string model = model_.qualified_name();
  if (!kept)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s has kept no run before its newest", model.c_str()),
                    "Train with keep_previous => true to be able to go back.");
  check_is_whole(*kept);
  model_.check_sees_all();
  adopt();
  for (Side side : {Side::kUsers, Side::kItems}) {
    const std::string serving = relation_name(model_.factor_table(side));
    const std::string copy = relation_name(kept->tables[side]);
    const std::int64_t rows = count_rows("from only " + copy);
    if (rows == 0)
      throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      format("table %s, which keeps run " INT64_FORMAT " of model %s, is empty",
                             copy.c_str(), static_cast<int64>(kept->run), model.c_str()),
                      "The run cannot be brought back. Nothing has changed.");
    model_.replace_with(side, kept->tables[side]);
    if (count_rows("from only " + serving) != rows)
      throw_suppressed(format("the factors in %s could not be replaced", serving.c_str()));
  }
  execute("delete from only " + model + " where run operator(pg_catalog.>) $1",
          {bigint_param(kept->run)});
  const std::string later =
      format(" where run operator(pg_catalog.>) " INT64_FORMAT, static_cast<int64>(kept->run));
  if (count_rows("from only " + model + later) > 0)
    throw_suppressed(format("the newest row of %s could not be removed", model.c_str()));
  drop(*kept);
  const std::uint64_t updated =
      name_tables(kept->run, model_.factor_tables(),
                  ", version = pg_catalog.gen_random_uuid(), user_version = "
                  "pg_catalog.gen_random_uuid(), item_version = pg_catalog.gen_random_uuid()");
  if (updated != 1)
    throw_suppressed(format("the row of run " INT64_FORMAT " of %s could not be changed",
                            static_cast<int64>(kept->run), model.c_str()));
}

}  // namespace als::pg
