// Has the server parse a source, and asks on what the plan would depend.
#include "pg/source/relations_read.h"

#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

/// The relations of a statement that is parsed, with what views have come to, but not planned:
/// nothing of it is evaluated.
List* relations_of(SPIPlanPtr plan) {
  List* relations = NIL;
  ListCell* cell;
  foreach (cell, SPI_plan_get_plan_sources(plan))
    relations = list_concat_unique_oid(relations,
                                       static_cast<CachedPlanSource*>(lfirst(cell))->relationOids);
  SPI_freeplan(plan);
  return relations;
}

List* relations_of(const RatingSource& source) {
  if (source.is_relation && server([&] { return get_rel_relkind(source.table) != RELKIND_VIEW; }))
    return server([&] { return list_make1_oid(source.table); });
  List* relations = NIL;
  // Gives the locks back that parsing takes.
  Subtransaction subtransaction;
  try {
    SnapshotScope snapshot;
    SourceNames names(source);
    const SPIPlanPtr plan = prepare("select from " + source.from_clause());
    relations = server([&] { return relations_of(plan); });
    names.end();
    snapshot.pop();
    subtransaction.undo();
  } catch (const ServerError& error) {
    subtransaction.undo();
    if (ends_call(error)) throw;
  } catch (const UserError&) {
    subtransaction.undo();
  } catch (...) {
    subtransaction.undo();
    throw;
  }
  return relations;
}

}  // namespace

std::vector<RelationLock> relations_read(const std::vector<RatingSource>& sources) {
  std::vector<RelationLock> locks;
  for (const RatingSource& source : sources) {
    if (source.is_none() || source.is_gone()) continue;
    ListCell* cell;
    foreach (cell, relations_of(source)) locks.push_back({lfirst_oid(cell), AccessShareLock});
  }
  return locks;
}

}  // namespace als::pg
