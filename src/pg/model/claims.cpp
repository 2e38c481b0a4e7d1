// Finds the rows of models that name a table.
#include "pg/model/claims.h"

#include "pg/model/ownership.h"
#include "pg/server/catalog_scan.h"
#include "pg/server/short_lived_resources.h"

namespace als::pg {

namespace {

/// In the order of their oids, so that whoever changes several does it in one order.
std::vector<Oid> models_owned_by(Oid owner) {
  List* models = server([&] {
    List* found = NIL;
    find_in_catalog(RelationRelationId, InvalidOid, {{Anum_pg_class_relowner, owner}},
                    [&](HeapTuple row, TupleDesc) {
                      auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
                      if (is_model_or_gone(form->oid) && !isOtherTempNamespace(form->relnamespace))
                        found = lappend_oid(found, form->oid);
                      return false;
                    });
    list_sort(found, list_oid_cmp);
    return found;
  });
  std::vector<Oid> result;
  result.reserve(static_cast<std::size_t>(list_length(models)));
  for (int i = 0; i < list_length(models); ++i) result.push_back(list_nth_oid(models, i));
  return result;
}

void check_same_owner(Oid table, Oid model) {
  const char* owner = server([&] { return GetUserNameFromId(owner_of(table), true); });
  const char* model_owner = server([&] { return GetUserNameFromId(owner_of(model), true); });
  if (server([&] { return owner_of(table) == owner_of(model); })) return;
  const std::string model_name = relation_name(model);
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  format("factor table %s belongs to %s, its model %s to %s",
                         relation_name(table).c_str(), owner, model_name.c_str(), model_owner),
                  "A model and its factor tables have one owner: use ALTER TABLE ... OWNER TO.");
}

}  // namespace

Claims claims_on(Oid table) {
  Claims result;
  result.recorded = server([&] { return recorded_model(table); });
  std::vector<Oid> models;
  if (OidIsValid(result.recorded)) {
    check_same_owner(table, result.recorded);
    models.push_back(result.recorded);
  } else {
    models = models_owned_by(server([&] { return owner_of(table); }));
  }
  server([] { CommandCounterIncrement(); });
  // Most of them have nothing to do with the table.
  ShortLivedResources locks;
  SnapshotScope snapshot;
  for (Oid model : models) {
    const NamedFactors run = named_factors(model);
    if (run.names(table)) result.claims.push_back({model, run});
  }
  snapshot.pop();
  locks.release();
  return result;
}

}  // namespace als::pg
