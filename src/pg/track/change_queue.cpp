// Looks queues and their triggers up in the catalogs.
#include "pg/track/change_queue.h"

#include "pg/model/model_source.h"
#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"

namespace als::pg {

namespace {

constexpr const char* kTriggerFunction = "note_changes";

template <class OnTrigger>
bool find_trigger(Oid source, OnTrigger on_trigger) {
  const Oid function = trigger_function(kTriggerFunction);
  return find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId,
                         {{Anum_pg_trigger_tgrelid, source}},
                         [&](HeapTuple row, TupleDesc columns) {
                           auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
                           return trigger->tgfoid == function && on_trigger(trigger, row, columns);
                         });
}

/// An argument of a trigger, or ""; they end with a zero byte each.
const char* argument(HeapTuple row, TupleDesc columns, int n) {
  bool is_null;
  const Datum value = catalog_column(row, Anum_pg_trigger_tgargs, columns, &is_null);
  if (is_null) return "";
  bytea* arguments = DatumGetByteaPP(value);
  const char* argument = VARDATA_ANY(arguments);
  const char* end = argument + VARSIZE_ANY_EXHDR(arguments);
  for (int i = 0; i < n && argument < end; ++i) argument += std::strlen(argument) + 1;
  return argument < end ? argument : "";
}

/// Calls on_source(table) for the table of each trigger that notes into another one, this table,
/// until it returns true; returns whether it did.
template <class OnSource>
bool find_source(Oid table, OnSource on_source) {
  const Oid function = trigger_function(kTriggerFunction);
  return find_in_catalog(
      DependRelationId, DependReferenceIndexId,
      {{Anum_pg_depend_refclassid, RelationRelationId}, {Anum_pg_depend_refobjid, table}},
      [&](HeapTuple row, TupleDesc) {
        auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
        if (dependency->classid != TriggerRelationId || dependency->deptype != DEPENDENCY_AUTO)
          return false;
        return find_in_catalog(
            TriggerRelationId, TriggerOidIndexId, {{Anum_pg_trigger_oid, dependency->objid}},
            [&](HeapTuple found, TupleDesc) {
              auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(found));
              return trigger->tgfoid == function && trigger->tgrelid != table &&
                     on_source(trigger->tgrelid);
            });
      });
}

bool is_noted_into(Oid table) {
  return find_source(table, [](Oid) { return true; });
}

bool is_still_plain(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  const bool is_plain = is_plain_queue(relation);
  relation_close(relation, AccessShareLock);
  return is_plain;
}

/// Whether the queue notes ids as the source has them, and the model can look them up. Else the
/// source has other ids since it is tracked: all are compared, or a refresh says what is wrong.
bool has_same_ids(Oid queue, const Model& model, const DescribedSource& source) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    const IdType& type = *source.id_types[side];
    const CollatedType noted = column_type_of(queue, id_column(side));
    if (noted.type != type.base || noted.collation != type.collation ||
        !is_widened(model.factor_tables[side].ids(), type.collated()))
      return false;
  }
  return true;
}

}  // namespace

Oid queue_of_trigger(Oid trigger) {
  Oid queue = InvalidOid;
  find_in_catalog(DependRelationId, DependDependerIndexId,
                  {{Anum_pg_depend_classid, TriggerRelationId}, {Anum_pg_depend_objid, trigger}},
                  [&](HeapTuple row, TupleDesc) {
                    auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
                    // On its own table a trigger depends in the same way.
                    if (dependency->deptype != DEPENDENCY_AUTO ||
                        dependency->refclassid != RelationRelationId ||
                        !OidIsValid(recorded_model(dependency->refobjid)))
                      return false;
                    queue = dependency->refobjid;
                    return true;
                  });
  return queue;
}

bool is_plain_queue(Relation table) {
  TupleDesc columns = RelationGetDescr(table);
  return table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relispartition &&
         RelationGetIndexList(table) == NIL && columns->natts == 2 &&
         std::strcmp(NameStr(TupleDescAttr(columns, 0)->attname), "user_id") == 0 &&
         std::strcmp(NameStr(TupleDescAttr(columns, 1)->attname), "item_id") == 0 &&
         !TupleDescAttr(columns, 0)->attnotnull && !TupleDescAttr(columns, 1)->attnotnull;
}

bool is_in_hierarchy(Oid table) {
  return has_superclass(table) || find_inheritance_children(table, NoLock) != NIL;
}

Oid recorded_queue(Oid model) {
  Oid queue = InvalidOid;
  find_in_catalog(
      DependRelationId, DependReferenceIndexId,
      {{Anum_pg_depend_refclassid, RelationRelationId}, {Anum_pg_depend_refobjid, model}},
      [&](HeapTuple row, TupleDesc) {
        const Oid table = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row))->objid;
        if (reinterpret_cast<Form_pg_depend>(GETSTRUCT(row))->classid != RelationRelationId ||
            recorded_model(table) != model || owner_of(table) != owner_of(model))
          return false;
        if (is_still_plain(table) || is_noted_into(table)) queue = table;
        return OidIsValid(queue);
      });
  return queue;
}

bool is_complete(Oid queue, const Model& model, const DescribedSource& source) {
  constexpr int16 kEvents =
      TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE;
  return server([&] {
    if (!OidIsValid(source.table) || !is_still_plain(queue) || is_in_hierarchy(source.table) ||
        !has_same_ids(queue, model, source))
      return false;
    int16 events = 0;
    find_trigger(source.table, [&](Form_pg_trigger trigger, HeapTuple row, TupleDesc columns) {
      if ((trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN ||
           trigger->tgenabled == TRIGGER_FIRES_ALWAYS) &&
          queue_of_trigger(trigger->oid) == queue &&
          source.user_col == argument(row, columns, kUserColumn) &&
          source.item_col == argument(row, columns, kItemColumn))
        events |= trigger->tgtype;
      return false;
    });
    return (events & kEvents) == kEvents;
  });
}

bool is_complete(Oid queue, Oid table, MemoryContext context) {
  SnapshotScope snapshot;
  const Model model = read_model(table);
  const bool is = is_complete(queue, model, describe_source(trusted_source(model), context));
  snapshot.pop();
  return is;
}

void record_queue(Oid trigger, Oid queue) {
  ObjectAddress dependent;
  ObjectAddress referenced;
  ObjectAddressSet(dependent, TriggerRelationId, trigger);
  ObjectAddressSet(referenced, RelationRelationId, queue);
  recordDependencyOn(&dependent, &referenced, DEPENDENCY_AUTO);
}

std::vector<RelationLock> locks_of_sources(Oid queue) {
  if (!OidIsValid(queue)) return {};
  List* sources = server([&] {
    List* found = NIL;
    find_source(queue, [&](Oid source) {
      found = list_append_unique_oid(found, source);
      return false;
    });
    return found;
  });
  std::vector<RelationLock> locks;
  ListCell* source;
  foreach (source, sources) locks.push_back({lfirst_oid(source), AccessExclusiveLock});
  return locks;
}

List* unrecorded_triggers(Oid source, const char* queue_name) {
  List* names = NIL;
  find_trigger(source, [&](Form_pg_trigger trigger, HeapTuple row, TupleDesc columns) {
    if (!OidIsValid(queue_of_trigger(trigger->oid)) &&
        std::strcmp(argument(row, columns, kQueueName), queue_name) == 0)
      names = lappend(names, pstrdup(NameStr(trigger->tgname)));
    return false;
  });
  return names;
}

}  // namespace als::pg
