// What the catalogs say about a table that a model names.
#include "pg/model/ownership.h"

#include "pg/server/catalog_scan.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

constexpr const char* kTriggerFunction = "factors_changed";

/// The row of pg_class, or one with an invalid oid.
FormData_pg_class class_row(Oid relation) {
  FormData_pg_class row{};
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) return row;
  std::memcpy(static_cast<void*>(&row), GETSTRUCT(tuple), CLASS_TUPLE_SIZE);
  ReleaseSysCache(tuple);
  return row;
}

enum class Mark { kServes, kIsKept, kFeatures };

Mark mark_of(const char* trigger) {
  if (std::strcmp(trigger, kKeptTrigger) == 0) return Mark::kIsKept;
  return std::strcmp(trigger, kFeaturesTrigger) == 0 ? Mark::kFeatures : Mark::kServes;
}

/// Whether our trigger is on a table: that of factors that serve, that of a run that is kept, or
/// that of features' weights.
bool has_trigger(Oid table, Mark mark) {
  const Oid function = trigger_function(kTriggerFunction);
  return find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId,
                         {{Anum_pg_trigger_tgrelid, table}}, [&](HeapTuple row, TupleDesc) {
                           auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
                           return trigger->tgfoid == function &&
                                  mark_of(NameStr(trigger->tgname)) == mark;
                         });
}

/// Whether our trigger fires after each statement of such sessions that changes rows.
bool trigger_sees_all(Oid table, Sessions sessions) {
  const auto fires = [&](char enabled) {
    return enabled == TRIGGER_FIRES_ALWAYS ||
           (sessions == Sessions::kOrdinary && enabled == TRIGGER_FIRES_ON_ORIGIN);
  };
  constexpr int16 kEvents =
      TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_TRUNCATE;
  const Oid function = trigger_function(kTriggerFunction);
  return find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId,
                         {{Anum_pg_trigger_tgrelid, table}}, [&](HeapTuple row, TupleDesc columns) {
                           auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
                           return trigger->tgfoid == function && fires(trigger->tgenabled) &&
                                  (trigger->tgtype & kEvents) == kEvents &&
                                  trigger->tgattr.dim1 == 0 &&
                                  heap_attisnull(row, Anum_pg_trigger_tgqual, columns);
                         });
}

bool has_parent(Oid table) {
  return find_in_catalog(InheritsRelationId, InheritsRelidSeqnoIndexId,
                         {{Anum_pg_inherits_inhrelid, table}},
                         [](HeapTuple, TupleDesc) { return true; });
}

/// The subscription that writes a table, if one does and its initial copy is over.
struct Subscribed {
  bool is_target = false;
  Oid ready = InvalidOid;
};

Subscribed subscription_of(Oid table) {
  Subscribed found;
  find_in_catalog(SubscriptionRelRelationId, SubscriptionRelSrrelidSrsubidIndexId,
                  {{Anum_pg_subscription_rel_srrelid, table}}, [&](HeapTuple row, TupleDesc) {
                    auto* form = reinterpret_cast<Form_pg_subscription_rel>(GETSTRUCT(row));
                    found.ready = found.is_target || form->srsubstate != SUBREL_STATE_READY
                                      ? InvalidOid
                                      : form->srsubid;
                    found.is_target = true;
                    return false;
                  });
  return found;
}

/// What a subscription applies fires no trigger for each statement. The new version must come the
/// same way.
bool replication_is_seen(Oid model, Oid table) {
  const Subscribed factors = subscription_of(table);
  if (!factors.is_target) return true;
  return OidIsValid(factors.ready) && subscription_of(model).ready == factors.ready;
}

/// Citus leaves the rows of a table that goes with another where they are, unless it was asked to
/// drop what depends on that.
DependencyType dependency_on_model(Oid catalog, Oid object) {
  return catalog == RelationRelationId && cluster_table(object).spread != TableSpread::kNone
             ? DEPENDENCY_NORMAL
             : DEPENDENCY_AUTO;
}

/// The model table on which an object depends as factors depend on theirs, or InvalidOid.
Oid model_of(Oid catalog, Oid object) {
  const DependencyType type = dependency_on_model(catalog, object);
  Oid model = InvalidOid;
  find_in_catalog(DependRelationId, DependDependerIndexId,
                  {{Anum_pg_depend_classid, catalog}, {Anum_pg_depend_objid, object}},
                  [&](HeapTuple row, TupleDesc) {
                    auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
                    if (dependency->objsubid != 0 || dependency->refclassid != RelationRelationId ||
                        dependency->refobjsubid != 0 || dependency->deptype != type ||
                        !is_model_or_gone(dependency->refobjid))
                      return false;
                    model = dependency->refobjid;
                    return true;
                  });
  return model;
}

/// The trigger of a table that is attached to a model, or InvalidOid.
Oid attached_trigger(Oid table) {
  const Oid function = trigger_function(kTriggerFunction);
  Oid found = InvalidOid;
  find_in_catalog(TriggerRelationId, TriggerRelidNameIndexId, {{Anum_pg_trigger_tgrelid, table}},
                  [&](HeapTuple row, TupleDesc) {
                    auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
                    if (trigger->tgfoid != function ||
                        std::strcmp(NameStr(trigger->tgname), kAttachedTrigger) != 0)
                      return false;
                    found = trigger->oid;
                    return true;
                  });
  return found;
}

const char* role_name_or_null(Oid role) { return GetUserNameFromId(role, true); }

/// See doubt_about(); null if there is none.
const char* doubt(Oid model, Oid table, Side side) {
  const FormData_pg_class factors = class_row(table);
  const Oid owner = owner_of(model);
  if (factors.relkind != RELKIND_RELATION || factors.relispartition || table == model)
    return "It is not an ordinary table.";
  if (factors.relowner != owner)
    return psprintf("It belongs to %s, the model to %s.", role_name_or_null(factors.relowner),
                    role_name_or_null(owner));
  const Oid recorded = recorded_model(table);
  if (recorded == model) return nullptr;
  if (OidIsValid(recorded))
    return psprintf("It is a factor table of model %s.", get_rel_name(recorded));
  if (!has_columns_of(table, side)) return "It does not have the columns of a factor table.";
  // Citus takes no triggers.
  if (cluster_table(table).spread == TableSpread::kNone && !has_trigger(table, Mark::kServes))
    return "It does not have the trigger of a factor table.";
  return nullptr;
}

/// Whether a table of the model's owner bears our mark, and is recorded to be no other model's.
bool is_marked(Oid model, Oid table, Mark mark) {
  const FormData_pg_class row = class_row(table);
  const Oid recorded = recorded_model(table);
  return row.relkind == RELKIND_RELATION && row.relowner == owner_of(model) &&
         (recorded == model || !OidIsValid(recorded)) && has_trigger(table, mark);
}

/// Each of its type: what is another would be cast, by code that its owner may have written.
bool has_columns_of_features(Oid table, Side side) {
  const auto has = [&](const char* column, Oid type) {
    return get_atttype(table, get_attnum(table, column)) == type;
  };
  return has("run", INT8OID) && has("feature", INT4OID) && has("role", TEXTOID) &&
         has("column_name", NAMEOID) && has("value", TEXTOID) &&
         has(side == Side::kUsers ? "n_users" : "n_items", INT8OID) && has("center", FLOAT8OID) &&
         has("scale", FLOAT8OID) && has("weights", FLOAT4ARRAYOID) && has("bias", FLOAT4OID) &&
         (side == Side::kUsers || has("new_item_weights", FLOAT4ARRAYOID));
}

}  // namespace

Oid trigger_function(const char* name) {
  return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                         PointerGetDatum(buildoidvector(nullptr, 0)),
                         ObjectIdGetDatum(get_namespace_oid("als", true)));
}

const char* missing_column(Oid table, Side side) {
  for (const char* column : {id_column(side), "factors", "bias", "n_ratings"})
    if (get_attnum(table, column) == InvalidAttrNumber) return column;
  return nullptr;
}

bool is_attached(Oid table) {
  if (OidIsValid(attached_trigger(table))) return true;
  return cluster_table(table).spread != TableSpread::kNone &&
         !OidIsValid(model_of(RelationRelationId, table));
}

bool is_watched(Oid table) { return has_trigger(table, Mark::kServes); }

Oid recorded_model(Oid table) {
  const Oid model = model_of(RelationRelationId, table);
  if (OidIsValid(model)) return model;
  const Oid trigger = attached_trigger(table);
  return OidIsValid(trigger) ? model_of(TriggerRelationId, trigger) : InvalidOid;
}

void record_model(Oid table, Oid model) {
  ObjectAddress dependent;
  ObjectAddress referenced;
  if (const Oid trigger = attached_trigger(table); OidIsValid(trigger))
    ObjectAddressSet(dependent, TriggerRelationId, trigger);
  else
    ObjectAddressSet(dependent, RelationRelationId, table);
  ObjectAddressSet(referenced, RelationRelationId, model);
  recordDependencyOn(&dependent, &referenced,
                     dependency_on_model(dependent.classId, dependent.objectId));
}

void give_to_owner(Oid model, Oid table) {
  const char* owner = server([&]() -> const char* {
    const Oid found = owner_of(model);
    return found == owner_of(table) ? nullptr : GetUserNameFromId(found, false);
  });
  if (owner != nullptr)
    execute("alter table " + relation_name(table) + " owner to " + quoted(owner));
}

Oid recorded_factors(Oid model, Side side) {
  Oid found = InvalidOid;
  int tables = 0;
  find_in_catalog(
      DependRelationId, DependReferenceIndexId,
      {{Anum_pg_depend_refclassid, RelationRelationId}, {Anum_pg_depend_refobjid, model}},
      [&](HeapTuple row, TupleDesc) {
        auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
        const Oid table = dependency->objid;
        if (dependency->classid != RelationRelationId || table == found ||
            recorded_model(table) != model || doubt(model, table, side) != nullptr ||
            !has_columns_of(table, side) || !has_trigger(table, Mark::kServes))
          return false;
        found = table;
        ++tables;
        return false;
      });
  return tables == 1 ? found : InvalidOid;
}

bool is_kept_copy(Oid model, Oid table, Side side) {
  return is_marked(model, table, Mark::kIsKept) && has_columns_of(table, side);
}

bool is_features_of(Oid model, Oid table, Side side) {
  return is_marked(model, table, Mark::kFeatures) && has_columns_of_features(table, side);
}

bool column_is_used_by_rule(Oid table, AttrNumber column) {
  return find_in_catalog(
      DependRelationId, DependReferenceIndexId,
      {{Anum_pg_depend_refclassid, RelationRelationId}, {Anum_pg_depend_refobjid, table}},
      [&](HeapTuple row, TupleDesc) {
        auto* dependency = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
        return dependency->classid == RewriteRelationId && dependency->refobjsubid == column;
      });
}

const char* trigger_for_some_sessions(Oid table) {
  const Oid function = trigger_function(kTriggerFunction);
  const char* name = nullptr;
  find_in_catalog(
      TriggerRelationId, TriggerRelidNameIndexId, {{Anum_pg_trigger_tgrelid, table}},
      [&](HeapTuple row, TupleDesc) {
        auto* trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
        if (trigger->tgfoid != function || (trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN &&
                                            trigger->tgenabled != TRIGGER_FIRES_ON_REPLICA))
          return false;
        name = pstrdup(NameStr(trigger->tgname));
        return true;
      });
  return name;
}

std::string doubt_about(Oid model, Oid table, Side side) {
  const char* reason = server([&] { return doubt(model, table, side); });
  return reason == nullptr ? "" : reason;
}

void check_is_provably_of(Oid model, Oid table, Side side) {
  const std::string doubt = doubt_about(model, table, side);
  if (doubt.empty()) return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("table %s, which the newest row of model %s names for its %s factors, cannot be "
             "proved to be the model's",
             relation_name(table).c_str(), relation_name(model).c_str(), side_name(side)),
      "Correct the owner with ALTER TABLE ... OWNER TO if that is what is wrong; else remove the "
      "model's table alone with DROP TABLE and train the model anew.",
      doubt);
}

bool changes_are_seen(const Model& model, Side side, Sessions sessions) {
  const FactorTable& named = model.factor_tables[side];
  if (named.spread != TableSpread::kNone)
    return named.spread == TableSpread::kReference && named.table != named.named;
  return server([&] {
    const Oid table = model.factor_table(side);
    const FormData_pg_class factors = class_row(table);
    // Statements on a parent change rows here without a trigger here.
    if (factors.relkind != RELKIND_RELATION || factors.relispartition || has_parent(table))
      return false;
    if (factors.relowner != owner_of(model.table)) return false;
    const Oid recorded = recorded_model(table);
    if (OidIsValid(recorded) && recorded != model.table) return false;
    return trigger_sees_all(table, sessions) && replication_is_seen(model.table, table);
  });
}

}  // namespace als::pg
