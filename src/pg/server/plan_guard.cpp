// Hooks of the planner, and of calls of functions.
#include "pg/server/plan_guard.h"

#include "pg/server/trust.h"

namespace als::pg {

namespace {

Oid guarded_table = InvalidOid;
// The role that plans a statement which reads it, or InvalidOid. What is called meanwhile may have
// become another one.
Oid planning_role = InvalidOid;

planner_hook_type next_planner = nullptr;
get_relation_info_hook_type next_info_hook = nullptr;
needs_fmgr_hook_type next_needs_hook = nullptr;
fmgr_hook_type next_call_hook = nullptr;

/// Whether a table, or a part of it, does. What others have a table call is trusted as they are.
bool belongs_to_strangers(Oid table) {
  if (!caller_trusts(owner_of(table))) return true;
  ListCell* part;
  foreach (part, find_all_inheritors(table, AccessShareLock, nullptr))
    if (!caller_trusts(owner_of(lfirst_oid(part)))) return true;
  return false;
}

bool reads_guarded_table(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, RangeTblEntry)) {
    const auto* entry = reinterpret_cast<RangeTblEntry*>(node);
    return entry->rtekind == RTE_RELATION && entry->relid == guarded_table;
  }
  if (IsA(node, Query))
    return walk_query(reinterpret_cast<Query*>(node), reads_guarded_table, context);
  return walk_nodes_below(node, reads_guarded_table, context);
}

[[noreturn]] void refuse(const char* detail) {
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("reading table \"%s\" would run code of a role that you do not trust",
                  get_rel_name(guarded_table)),
           errdetail("%s", detail), errhint("It has come since the call has begun. Try again.")));
}

PlannedStmt* plan_guarded(Query* query, const char* text, int cursor_options,
                          ParamListInfo params) {
  // A role that plans is set below alone, and no longer than a table is guarded: there is none here
  // to be set aside. A plan within a guarded one, of whatever table, finds the table guarded still.
  if (!OidIsValid(guarded_table)) return next_planner(query, text, cursor_options, params);
  const Oid outer = planning_role;
  PlannedStmt* result = nullptr;
  PG_TRY();
  {
    // A function that the caller trusts may run other statements meanwhile.
    const bool is_guarded = reads_guarded_table(reinterpret_cast<Node*>(query), nullptr) &&
                            belongs_to_strangers(guarded_table);
    planning_role = is_guarded ? GetUserId() : InvalidOid;
    result = next_planner(query, text, cursor_options, params);
  }
  PG_FINALLY();
  { planning_role = outer; }
  PG_END_TRY();
  return result;
}

/// Before a foreign-data wrapper is asked, and before the selectivity of an index's condition is
/// estimated: its operators are the server's, but may call what a type of its operands brings.
void on_relation(PlannerInfo* root, Oid table, bool is_parent, RelOptInfo* relation) {
  if (OidIsValid(planning_role) && !caller_trusts(owner_of(table))) {
    if (get_rel_relkind(table) == RELKIND_FOREIGN_TABLE)
      refuse(psprintf("It has a foreign table as a part: %s.", get_rel_name(table)));
    ListCell* cell;
    foreach (cell, relation->indexlist) {
      const auto* index = lfirst_node(IndexOptInfo, cell);
      if (!caller_trusts_expression(reinterpret_cast<Node*>(index->indexprs)) ||
          !caller_trusts_expression(reinterpret_cast<Node*>(index->indpred)))
        refuse(psprintf("See index %s.", get_rel_name(index->indexoid)));
    }
  }
  if (next_info_hook != nullptr) next_info_hook(root, table, is_parent, relation);
}

bool is_refused(Oid function) {
  return OidIsValid(planning_role) && !caller_trusts_function(function, planning_role);
}

/// Whether calls of a function are to go by the hook below. The server then does not put the body
/// of an SQL function into the statement either.
bool needs_hook(Oid function) {
  return is_refused(function) || (next_needs_hook != nullptr && next_needs_hook(function));
}

void on_call(FmgrHookEventType event, FmgrInfo* call, Datum* argument) {
  if (event == FHET_START && is_refused(call->fn_oid))
    refuse(
        psprintf("Function %s is called by an index, a constraint, statistics or a partition key.",
                 format_procedure(call->fn_oid)));
  if (next_call_hook != nullptr) next_call_hook(event, call, argument);
}

/// Not as the module is loaded: where that is preloaded before Citus, Citus would find the hook of
/// the planner taken, and keep the server from starting. And most sessions guard nothing.
void install_hooks() {
  static bool are_installed = false;
  if (are_installed) return;
  are_installed = true;
  next_planner = planner_hook != nullptr ? planner_hook : standard_planner;
  planner_hook = plan_guarded;
  next_info_hook = get_relation_info_hook;
  get_relation_info_hook = on_relation;
  next_needs_hook = needs_fmgr_hook;
  needs_fmgr_hook = needs_hook;
  next_call_hook = fmgr_hook;
  fmgr_hook = on_call;
}

}  // namespace

PlanGuard::PlanGuard(Oid table) : outer_(guarded_table) {
  if (!OidIsValid(table)) return;
  install_hooks();
  guarded_table = table;
}

PlanGuard::~PlanGuard() { guarded_table = outer_; }

}  // namespace als::pg
