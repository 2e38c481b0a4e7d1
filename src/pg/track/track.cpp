// als.track and als.untrack: make and drop the queue of a model and the triggers on its source.

#include "pg/model/model_source.h"
#include "pg/model/model_writer.h"
#include "pg/model/ownership.h"
#include "pg/server/may_write.h"
#include "pg/server/memory_context.h"
#include "pg/server/short_lived_resources.h"
#include "pg/server/trust.h"
#include "pg/sql/params.h"
#include "pg/track/change_queue.h"
#include "pg/track/queue_writer.h"

namespace als::pg {

namespace {

struct TrackedEvent {
  const char* name;
  const char* transition_tables;
};

constexpr TrackedEvent kEvents[] = {
    {"insert", " referencing new table as new_rows"},
    {"update", " referencing old table as old_rows new table as new_rows"},
    {"delete", " referencing old table as old_rows"},
    {"truncate", ""}};

/// Whoever names the source must be one who could do without the caller: a superuser may call for
/// anybody's model.
void check_owner_may_track(const Model& model) {
  const bool may = server([&] {
    return caller_trusts(model.owner) ||
           pg_class_aclcheck(model.source.table, model.owner, ACL_TRIGGER) == ACLCHECK_OK;
  });
  if (may) return;
  const std::string source = relation_name(model.source.table);
  const char* owner =
      server([&] { return quote_identifier(GetUserNameFromId(model.owner, false)); });
  throw UserError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                  format("the owner of model %s may not make triggers on %s", model.name.c_str(),
                         source.c_str()),
                  format("GRANT TRIGGER ON %s TO %s, if it is to learn whose ratings change.",
                         source.c_str(), owner));
}

/// Statements see all the rows that they change only on ordinary tables that stand alone, and
/// sessions see only their own temporary ones.
void check_can_be_tracked(const Model& model) {
  if (model.source.is_gone()) model.source.from_clause();  // says so
  const Oid source = model.source.table;
  const bool can = server([&] {
    return OidIsValid(source) && get_rel_relkind(source) == RELKIND_RELATION &&
           !is_in_hierarchy(source);
  });
  const bool is_temporary = server([&] {
    return get_rel_persistence(model.table) == RELPERSISTENCE_TEMP &&
           get_rel_persistence(source) != RELPERSISTENCE_TEMP;
  });
  if (can && is_temporary)
    throw UserError(ERRCODE_WRONG_OBJECT_TYPE,
                    format("model %s is temporary, its source is not", model.name.c_str()),
                    "Other sessions could not note what they change. als.refresh works without.");
  if (server([&] { return cluster_table(source).spread; }) != TableSpread::kNone)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("changes of %s are not noted: Citus takes no triggers",
                           relation_name(source).c_str()),
                    "als.refresh works without. als.refresh_users with the ids that have changed "
                    "takes the least time.");
  if (can) {
    check_owner_may_track(model);
    return;
  }
  throw UserError(
      ERRCODE_WRONG_OBJECT_TYPE,
      format("the source of model %s is not an ordinary table, or has parents or children",
             model.name.c_str()),
      "Only changes of a table can be tracked. als.refresh works without, too: it "
      "compares everything.");
}

/// What the table says of itself. Nobody but its owner can say it, unlike a trigger of the source,
/// which may be a stranger's.
const char* comment_on_queue(const Model& model) {
  return psprintf(
      "Whose ratings have changed since the last als.refresh of model %s; see als.track",
      model.name.c_str());
}

/// The type of a queue's column. Not a domain, which may refuse the nulls. A server call.
char* queue_type(IdType ids) {
  ids.oid = ids.base;
  return column_type(ids);
}

/// Whether a restore has left this table of the model's owner as the queue. A server call.
bool is_left_over(Oid table, const Model& model, const DescribedSource& source) {
  if (!OidIsValid(table) || owner_of(table) != model.owner || OidIsValid(recorded_model(table)))
    return false;
  const char* comment = GetComment(table, RelationRelationId, 0);
  if (comment == nullptr || std::strcmp(comment, comment_on_queue(model)) != 0) return false;
  Relation relation = table_open(table, AccessShareLock);
  TupleDesc columns = RelationGetDescr(relation);
  const bool fits = is_plain_queue(relation) &&
                    TupleDescAttr(columns, 0)->atttypid == source.id_types.users->base &&
                    TupleDescAttr(columns, 1)->atttypid == source.id_types.items->base;
  table_close(relation, AccessShareLock);
  return fits;
}

Oid create_queue(const ModelWriter& writer, const Model& model, const DescribedSource& source) {
  const Oid schema = writer.target_table().schema();
  const std::string name = server([&]() -> const char* {
    return ChooseRelationName(writer.target_table().relation().c_str(), nullptr, "changes", schema,
                              false);
  });
  const std::string table = server([&]() -> const char* {
    return quote_qualified_identifier(get_namespace_name(schema), name.c_str());
  });
  const std::string user_type = server([&] { return queue_type(*source.id_types.users); });
  const std::string item_type = server([&] { return queue_type(*source.id_types.items); });
  execute("create table " + table + " (user_id " + user_type + ", item_id " + item_type + ")");
  // So that notes can be taken where all tables are published.
  execute("alter table " + table + " replica identity full");
  execute("comment on table " + table + " is " +
          server([&] { return quote_literal_cstr(comment_on_queue(model)); }));
  const Oid queue = server([&] { return get_relname_relid(name.c_str(), schema); });
  give_to_owner(model.table, queue);
  return queue;
}

/// The queue that a restore has left without its record, if the source's triggers know it; else a
/// new one.
Oid make_queue(const ModelWriter& writer, const Model& model, MemoryContext context) {
  const Oid schema = writer.target_table().schema();
  const std::string& relation = writer.target_table().relation();
  const std::string wanted =
      server([&]() -> const char* { return makeObjectName(relation.c_str(), nullptr, "changes"); });
  List* left_over = nullptr;
  Oid queue = InvalidOid;
  const std::string qualified = server([&]() -> const char* {
    const char* name = quote_qualified_identifier(get_namespace_name(schema), wanted.c_str());
    left_over = unrecorded_triggers(model.source.table, name);
    return name;
  });
  const bool may_drop = server([&] { return owns_relation(model.source.table); });
  for (int i = 0; may_drop && i < list_length(left_over); ++i)
    execute("drop trigger " + quoted(static_cast<char*>(list_nth(left_over, i))) + " on " +
            relation_name(model.source.table));
  const DescribedSource source = describe_source(model.source, context);
  if (left_over != nullptr) {
    queue = server([&] {
      const Oid found = get_relname_relid(wanted.c_str(), schema);
      return is_left_over(found, model, source) ? found : InvalidOid;
    });
  }
  if (!OidIsValid(queue)) queue = create_queue(writer, model, source);
  server([&] { record_model(queue, model.table); });
  return queue;
}

/// A name for a trigger that the table does not have yet.
std::string trigger_name(Oid source, Oid queue, const char* event) {
  return server([&]() -> const char* {
    char number[12] = "";
    for (int n = 1;; ++n) {
      const char* name = makeObjectName(get_rel_name(queue), event, number[0] ? number : nullptr);
      if (!OidIsValid(get_trigger_oid(source, name, true))) return name;
      std::snprintf(number, sizeof number, "%d", n);
    }
  });
}

void make_triggers(const Model& model, Oid queue) {
  const Oid source = model.source.table;
  const std::string arguments = server([&] {
    return psprintf("%s, %s, %s", quote_literal_cstr(model.source.user_col.c_str()),
                    quote_literal_cstr(model.source.item_col.c_str()),
                    quote_literal_cstr(quote_qualified_identifier(
                        get_namespace_name(get_rel_namespace(queue)), get_rel_name(queue))));
  });
  for (const TrackedEvent& event : kEvents) {
    const std::string name = trigger_name(source, queue, event.name);
    execute("create trigger " + quoted(name) + " after " + event.name + " on " +
            relation_name(source) + event.transition_tables +
            " for each statement execute function als.note_changes(" + arguments + ")");
    server([&] { record_queue(get_trigger_oid(source, name.c_str(), false), queue); });
  }
}

/// Whether there is a queue that notes all that it should. It keeps the privileges on it, then, and
/// nobody waits for its source. Keeps no lock of that, for which others may wait that look as well.
bool is_tracked(Oid table, Oid queue, MemoryContext context) {
  if (!OidIsValid(queue)) return false;
  ShortLivedResources locks;
  const bool is = is_complete(queue, table, context);
  locks.release();
  return is;
}

bool drop_queue(Oid model) {
  const Oid queue = server([&] { return recorded_queue(model); });
  if (!OidIsValid(queue)) return false;
  take_locks(locks_of_sources(queue));
  execute("drop table " + locked_name(queue));
  return true;
}

/// What is locked with the model where triggers are to be made, or made anew.
std::vector<RelationLock> locks_to_track(Oid table, MemoryContext context) {
  const Oid queue = server([&] { return recorded_queue(table); });
  if (is_tracked(table, queue, context)) return {};
  std::vector<RelationLock> locks = locks_of_sources(queue);
  ShortLivedResources short_lived;
  SnapshotScope snapshot;
  Model model = read_model(table);
  model.source = trusted_source(model);
  check_can_be_tracked(model);
  snapshot.pop();
  short_lived.release();
  check_has_any(model.source.table, ACL_TRIGGER);
  locks.push_back({model.source.table, ShareRowExclusiveLock});
  return locks;
}

Oid track(Oid table) {
  check_is_model(table);
  server([&] { check_owns_relation(table); });
  OwnedMemoryContext context("als track");
  SpiConnection spi;
  ModelWriter writer(table);
  writer.lock_model(table, locks_to_track(table, context.get()));
  Oid queue = server([&] { return recorded_queue(table); });
  if (!is_tracked(table, queue, context.get())) {
    drop_queue(table);
    SnapshotScope snapshot;
    Model model = read_model(table);
    model.source = trusted_source(model);
    check_can_be_tracked(model);
    queue = make_queue(writer, model, context.get());
    make_triggers(model, queue);
    snapshot.pop();
  }
  // Nobody has noted what has changed until now.
  server([&] { note_everything(queue); });
  spi.finish();
  return queue;
}

void untrack(Oid table) {
  check_is_model(table);
  server([&] { check_owns_relation(table); });
  SpiConnection spi;
  ModelWriter writer(table);
  writer.lock_model(table, locks_of_sources(server([&] { return recorded_queue(table); })));
  if (!drop_queue(table))
    server([&] { ereport(NOTICE, (errmsg("model %s is not tracked", get_rel_name(table)))); });
  spi.finish();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_track)
ALS_SQL_FUNCTION(als_untrack)

/// als.track(model regclass): regclass
Datum als_track(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    check_may_write("als.track()");
    return ObjectIdGetDatum(track(PG_GETARG_OID(0)));
  });
}

/// als.untrack(model regclass)
Datum als_untrack(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    check_may_write("als.untrack()");
    untrack(PG_GETARG_OID(0));
    return static_cast<Datum>(0);
  });
}
