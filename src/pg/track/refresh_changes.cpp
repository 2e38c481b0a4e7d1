// als.refresh: both sides of a model, with what was noted or, where nothing is, with whatever
// differs.

#include "pg/model/model_source.h"
#include "pg/model/model_writer.h"
#include "pg/server/args.h"
#include "pg/server/may_write.h"
#include "pg/server/memory_context.h"
#include "pg/server/progress.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/params.h"
#include "pg/sql/result_rows.h"
#include "pg/sql/transaction_steps.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"

namespace als::pg {

namespace {

enum Argument { kModel, kForce };

/// What has been taken from a queue. Arrays are null where they would be empty.
struct Notes {
  bool any = false;
  bool everything = false;  ///< a row of nulls was among them
  Param users{};
  Param items{};
  // Of the pairs whose user or item the model does not know yet: the other side cannot count them
  // before the next refresh.
  Param new_users{};
  Param new_items{};
};

Param column_of_result(int column) {
  return server([&] {
    bool is_null;
    TupleDesc columns = SPI_tuptable->tupdesc;
    const Datum value = SPI_getbinval(SPI_tuptable->vals[0], columns, column, &is_null);
    return Param{TupleDescAttr(columns, column - 1)->atttypid, value, is_null};
  });
}

/// "not exists" a row of a side's factors for a noted id.
std::string is_unknown(const Model& model, Side side, const IdType& type, const char* noted) {
  return "not exists (select from only " + locked_name(model.factor_table(side)) + " where " +
         server([&] { return equals_condition(type, id_column(side), noted); }) + ")";
}

/// Takes what no other transaction is taking, and deletes it.
Notes take_notes(const Model& model, const DescribedSource& source, Oid queue) {
  const std::string name = locked_name(queue);
  execute(
      "with taken as (delete from only " + name +
      " where ctid operator(pg_catalog.=) any (array(select ctid from only " + name +
      " for update skip locked)) returning user_id as u, item_id as i), noted as (select u, i, " +
      is_unknown(model, Side::kUsers, *source.id_types.users, "u") + " or " +
      is_unknown(model, Side::kItems, *source.id_types.items, "i") +
      " as is_new from taken) select pg_catalog.count(*) operator(pg_catalog.>) 0, "
      "coalesce(pg_catalog.bool_or(u is null), false), pg_catalog.array_agg(distinct "
      "u), pg_catalog.array_agg(distinct i), pg_catalog.array_agg(u) filter (where is_new), "
      "pg_catalog.array_agg(i) filter (where is_new) from noted");
  const auto flag = [](const Param& param) { return DatumGetBool(param.value); };
  return {flag(column_of_result(1)), flag(column_of_result(2)), column_of_result(3),
          column_of_result(4),       column_of_result(5),       column_of_result(6)};
}

/// Notes them again where the rating is still there.
void note_again(const DescribedSource& source, Oid queue, const Notes& notes) {
  const auto equals = [&](Side side, const char* noted) {
    return server([&] {
      return equals_condition(*source.id_types[side], source.id_col(side).c_str(), noted);
    });
  };
  SourceNames names(source);
  execute(
      "insert into " + locked_name(queue) +
          " select distinct als_noted_user, als_noted_item from rows from (pg_catalog.unnest($1), "
          "pg_catalog.unnest($2)) as noted (als_noted_user, als_noted_item) where exists (select "
          "from " +
          source.from_clause() + " where " + equals(Side::kUsers, "als_noted_user") + " and " +
          equals(Side::kItems, "als_noted_item") + ")",
      {notes.new_users, notes.new_items});
  names.end();
}

std::int64_t refresh_side(Oid model, Side side, const Param& ids, bool force) {
  execute(std::string("select als.refresh_") + side_name(side) + "s($1, " +
              (ids.is_null ? "null" : "$3") + ", $2)",
          ids.is_null ? std::vector<Param>{class_param(model), bool_param(force)}
                      : std::vector<Param>{class_param(model), bool_param(force), ids});
  return DatumGetInt64(column_of_result(1).value);
}

/// Items go first, so that new users of new items count.
BySide<std::int64_t> refresh_both(Oid table, const Param& users, const Param& items, bool force) {
  BySide<std::int64_t> written;
  written.items = refresh_side(table, Side::kItems, items, force);
  written.users = refresh_side(table, Side::kUsers, users, force);
  return written;
}

/// Whether all that has changed is noted, and nothing that no other transaction is taking.
bool has_nothing_to_take(Oid table, MemoryContext context) {
  bool has_nothing = false;
  run_and_undo([&] {
    const Oid queue = server([&] { return recorded_queue(table); });
    // Nobody is to wait for the source who has read the model.
    if (OidIsValid(try_locks(relations_recorded(table, {"source"})).relation)) return;
    has_nothing =
        OidIsValid(queue) && is_complete(queue, table, context) &&
        execute("select from only " + locked_name(queue) + " limit 1 for update skip locked") == 0;
  });
  return has_nothing;
}

BySide<std::int64_t> refresh(Oid table, bool force) {
  check_is_model(table);
  OwnedMemoryContext context("als refresh");
  if (has_nothing_to_take(table, context.get())) return {};
  // Before anything is read for good: als.drop_model waits for whoever has read, and is waited for
  // here.
  ModelWriter store(table);
  const std::vector<RelationLock> read =
      relations_recorded(table, {"source", "user_features", "item_features"});
  Progress progress(Command::kRefreshItems, table);
  store.lock_model(table, read);
  progress.hide();
  SnapshotScope snapshot;
  const Model model = read_model(table);
  const Oid queue = server([&] { return recorded_queue(table); });
  const Param all{TEXTOID, 0, true};
  if (!OidIsValid(queue)) {
    snapshot.pop();
    return refresh_both(table, all, all, force);
  }
  const DescribedSource source = describe_source(trusted_source(model), context.get());
  const bool is_noted = is_complete(queue, model, source);
  Notes notes;
  if (is_noted) {
    notes = take_notes(model, source, queue);
  } else {
    execute("delete from only " + locked_name(queue));
    // What is compared now may change back, unnoted, before its notes are complete again.
    server([&] { note_everything(queue); });
  }
  snapshot.pop();
  if (!is_noted || notes.everything) {
    BySide<std::int64_t> written = refresh_both(table, all, all, force);
    // Items were compared before their new users were known, and nothing notes those any more.
    if (is_noted && written.users > 0) {
      const std::int64_t more = refresh_side(table, Side::kItems, all, force);
      written.items += more;
      // So were these users, before the items that have come now.
      if (more > 0) server([&] { note_everything(queue); });
    }
    return written;
  }
  if (!notes.any) return {};
  const BySide<std::int64_t> written = refresh_both(table, notes.users, notes.items, force);
  if (!notes.new_users.is_null) note_again(source, queue, notes);
  return written;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_refresh)

/// als.refresh(model regclass, force bool): row (items bigint, users bigint)
Datum als_refresh(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      check_may_write("als.refresh()");
      require_arg(fcinfo, kModel, "model");
      const bool force = bool_arg(fcinfo, kForce, "force");
      MemoryContext context = CurrentMemoryContext;
      SpiConnection spi;
      const BySide<std::int64_t> written = refresh(PG_GETARG_OID(kModel), force);
      execute("select $1 as items, $2 as users",
              {bigint_param(written.items), bigint_param(written.users)});
      const Datum result = result_row(fcinfo, context);
      spi.finish();
      return result;
    });
  });
}
