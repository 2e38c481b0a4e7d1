// Copies the factors of a run, finds the copies again, and puts them back.
#include "pg/model/previous_run.h"

#include "pg/model/factor_table.h"
#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

/// How many rows a condition holds for, or all rows.
std::int64_t count_rows(const std::string& table, const std::string& condition = "") {
  SnapshotScope snapshot;  // which sees what this transaction has done
  SPIPlanPtr plan = prepare("select pg_catalog.count(*) from only " + table + condition);
  std::int64_t count = 0;
  for_each_row(plan, {}, {INT8OID},
               [&](TupleTableSlot* slot) { count = DatumGetInt64(slot->tts_values[0]); });
  snapshot.pop();
  return count;
}

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

/// The copies that a run is kept in. A row may name any table, so most of what is found is none.
std::optional<PreviousRun::Copies> PreviousRun::find() const {
  std::optional<Copies> found;
  SnapshotScope snapshot;
  SPIPlanPtr plan = prepare("select user_factors, item_factors, run from only " +
                            model_.qualified_name() + " order by run");
  for_each_row(plan, {}, {REGCLASSOID, REGCLASSOID, INT8OID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
    const Copies named{
        DatumGetInt64(slot->tts_values[2]),
        {DatumGetObjectId(slot->tts_values[0]), DatumGetObjectId(slot->tts_values[1])}};
    for (Side side : {Side::kUsers, Side::kItems}) {
      const bool is_copy = named.tables[side] != model_.factor_table(side) &&
                           server([&] { return is_kept_copy(model_.table(), named.tables[side]); });
      if (!is_copy) return;
    }
    found = named;
  });
  snapshot.pop();
  return found;
}

std::uint64_t PreviousRun::name_tables(std::int64_t run, const BySide<Oid>& tables,
                                       const char* more) {
  return execute("update only " + model_.qualified_name() +
                     " set user_factors = $1, item_factors = $2" + more +
                     " where run operator(pg_catalog.=) $3 returning *",
                 {class_param(tables.users), class_param(tables.items), bigint_param(run)});
}

/// What the caller may not drop stays, with a notice, and goes with the model.
void PreviousRun::drop(const Copies& copies) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    const Oid table = copies.tables[side];
    const std::string name = relation_name(table);
    const bool is_mine = server([&] { return has_privs_of_role(GetUserId(), owner_of(table)); });
    if (is_mine && !server([&] { return is_needed_by_others(table); })) {
      execute("drop table " + name);
      continue;
    }
    if (is_mine) execute("delete from only " + name);
    server([&] {
      ereport(NOTICE, (errmsg("table %s, which kept an earlier run, stays", name.c_str()),
                       is_mine ? errdetail("It is empty, but other objects depend on it.")
                               : errdetail("It is not yours."),
                       errhint("It goes with the model; or drop it by hand.")));
    });
  }
}

void PreviousRun::forget() {
  const std::optional<Copies> copies = find();
  if (!copies) return;
  name_tables(copies->run, model_.factor_tables(), "");
  drop(*copies);
}

Oid PreviousRun::copy(Side side) {
  const Oid from = model_.factor_table(side);
  IdType type{};
  const bool unlogged = server([&] {
    int32 modifier;
    get_atttypetypmodcoll(from, get_attnum(from, id_column(side)), &type.oid, &modifier,
                          &type.collation);
    return get_rel_persistence(from) == RELPERSISTENCE_UNLOGGED;
  });
  const Oid to = model_.create_factor_table(side, "factors_previous", type, unlogged);
  const std::string copied = shared_columns(side, from, to);
  execute("insert into " + relation_name(to) + " (" + copied + ") select " + copied +
          " from only " + relation_name(from));
  return to;
}

void PreviousRun::keep() {
  if (model_.newest_run() == 0) return;
  made_ = Copies{model_.newest_run(), {copy(Side::kUsers), copy(Side::kItems)}};
}

void PreviousRun::record() {
  if (made_) name_tables(made_->run, made_->tables, "");
}

void PreviousRun::restore() {
  const std::optional<Copies> kept = find();
  const std::string model = model_.qualified_name();
  if (!kept)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s has kept no run before its newest", model.c_str()),
                    "Train with keep_previous => true to be able to go back.");
  for (Side side : {Side::kUsers, Side::kItems}) {
    const std::string serving = relation_name(model_.factor_table(side));
    const std::string copy = relation_name(kept->tables[side]);
    const std::int64_t rows = count_rows(copy);
    if (rows == 0)
      throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      format("table %s, which keeps run " INT64_FORMAT " of model %s, is empty",
                             copy.c_str(), static_cast<int64>(kept->run), model.c_str()),
                      "The run cannot be brought back. Nothing has changed.");
    model_.replace_with(side, kept->tables[side]);
    if (count_rows(serving) != rows)
      throw_suppressed(format("the factors in %s could not be replaced", serving.c_str()));
  }
  execute("delete from only " + model + " where run operator(pg_catalog.>) $1",
          {bigint_param(kept->run)});
  const std::string later =
      format(" where run operator(pg_catalog.>) " INT64_FORMAT, static_cast<int64>(kept->run));
  if (count_rows(model, later) > 0)
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
