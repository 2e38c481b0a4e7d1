// als.note_changes(): the trigger of a tracked source, which notes whose ratings a statement has
// changed.
//
// It does so for whoever changes the source, who needs no right on the queue. So it runs nobody's
// code, and puts rows only into a table that als has made for this trigger. It waits for nothing.
// Where it cannot tell whose ratings they are, or they are many, it notes a row of nulls: compare
// everything.

#include "pg/server/relation_changes.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"

namespace als::pg {

namespace {

/// Beyond these, comparing everything is no slower than looking at each.
constexpr int64 kMaxRows = 10000;

/// The column of the source that an argument of the trigger names, if its values are the queue's.
AttrNumber column_named(const TriggerData& trigger, int argument, TupleDesc queue) {
  if (argument >= trigger.tg_trigger->tgnargs) return InvalidAttrNumber;
  TupleDesc columns = RelationGetDescr(trigger.tg_relation);
  const int column = SPI_fnumber(columns, trigger.tg_trigger->tgargs[argument]);
  if (column <= 0 || getBaseType(TupleDescAttr(columns, column - 1)->atttypid) !=
                         TupleDescAttr(queue, argument)->atttypid)
    return InvalidAttrNumber;
  return static_cast<AttrNumber>(column);
}

void note_rows(const TriggerData& trigger, Tuplestorestate* rows, AttrNumber user_column,
               AttrNumber item_column, QueueWriter& queue) {
  TupleTableSlot* slot =
      MakeSingleTupleTableSlot(RelationGetDescr(trigger.tg_relation), &TTSOpsMinimalTuple);
  tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
  tuplestore_rescan(rows);
  while (tuplestore_gettupleslot(rows, true, false, slot)) {
    bool no_user;
    bool no_item;
    const Datum user = slot_getattr(slot, user_column, &no_user);
    const Datum item = slot_getattr(slot, item_column, &no_item);
    if (!no_user && !no_item) queue.put(user, item, false);
  }
  ExecDropSingleTupleTableSlot(slot);
}

/// How many rows a statement has changed; too many where nobody knows.
int64 changed_rows(const TriggerData& trigger) {
  if (TRIGGER_FIRED_BY_TRUNCATE(trigger.tg_event)) return kMaxRows + 1;
  int64 rows = 0;
  for (Tuplestorestate* changed : {trigger.tg_oldtable, trigger.tg_newtable})
    if (changed != nullptr) rows += tuplestore_tuple_count(changed);
  return rows;
}

/// The queue of the trigger that fired last: looking it up costs a third of a small statement. Any
/// change of a table, such as one that drops either, makes it forgotten.
struct LastQueue {
  bool watched;
  Oid trigger;
  Oid queue;
} last;

void forget_last(Oid) { last.trigger = InvalidOid; }

Oid queue_for(Oid trigger) {
  if (!last.watched) {
    watch_relations(forget_last);
    last.watched = true;
  }
  if (last.trigger != trigger) {
    last.queue = queue_of_trigger(trigger);
    last.trigger = trigger;
  }
  return last.queue;
}

void note_changes(const TriggerData& trigger) {
  const int64 changed = changed_rows(trigger);
  if (changed == 0) return;
  const Oid oid = queue_for(trigger.tg_trigger->tgoid);
  if (!OidIsValid(oid)) return;
  Relation table = try_relation_open(oid, RowExclusiveLock);
  if (table == nullptr) return;
  if (is_plain_queue(table)) {
    const AttrNumber user = column_named(trigger, 0, RelationGetDescr(table));
    const AttrNumber item = column_named(trigger, 1, RelationGetDescr(table));
    QueueWriter queue(table);
    if (changed > kMaxRows || user == InvalidAttrNumber || item == InvalidAttrNumber)
      queue.put_everything();
    else
      for (Tuplestorestate* rows : {trigger.tg_oldtable, trigger.tg_newtable})
        if (rows != nullptr) note_rows(trigger, rows, user, item, queue);
    queue.finish();
  }
  relation_close(table, NoLock);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_note_changes)

/// als.note_changes(): trigger
Datum als_note_changes(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    if (!CALLED_AS_TRIGGER(fcinfo))
      throw UserError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                      "als.note_changes() is a trigger function",
                      "als.track makes the triggers that call it.");
    const auto& trigger = *reinterpret_cast<TriggerData*>(fcinfo->context);
    // What it returns would have a trigger before a row drop the row.
    if (!TRIGGER_FIRED_AFTER(trigger.tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger.tg_event))
      throw UserError(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                      "als.note_changes() was not fired after a statement",
                      "als.track makes the triggers that call it.");
    server([&] { note_changes(trigger); });
    return static_cast<Datum>(0);
  });
}
