// Hooks of the planner, and of calls of functions.
#include "pg/server/plan_guard.h"

#include "pg/server/trust.h"

namespace als::pg {

namespace {

Oid guarded_table = InvalidOid;
bool is_planning = false;  // a statement that reads it

planner_hook_type next_planner = nullptr;
needs_fmgr_hook_type next_needs_hook = nullptr;
fmgr_hook_type next_call_hook = nullptr;

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
  pg_unreachable();
}

void check_has_no_foreign_table(const PlannedStmt* plan) {
  ListCell* cell;
  foreach (cell, plan->rtable) {
    const auto* entry = lfirst_node(RangeTblEntry, cell);
    if (entry->rtekind != RTE_RELATION || entry->relkind != RELKIND_FOREIGN_TABLE) continue;
    if (!caller_trusts(owner_of(entry->relid)))
      refuse(psprintf("It has a foreign table as a part: %s.", get_rel_name(entry->relid)));
  }
}

PlannedStmt* plan_guarded(Query* query, const char* text, int cursor_options,
                          ParamListInfo params) {
  const auto plan = [&] {
    return next_planner != nullptr ? next_planner(query, text, cursor_options, params)
                                   : standard_planner(query, text, cursor_options, params);
  };
  const bool outer = is_planning;
  PlannedStmt* result = nullptr;
  PG_TRY();
  {
    // A function that the caller trusts may run other statements meanwhile.
    is_planning =
        OidIsValid(guarded_table) && reads_guarded_table(reinterpret_cast<Node*>(query), nullptr);
    result = plan();
    if (is_planning) check_has_no_foreign_table(result);
  }
  PG_FINALLY();
  { is_planning = outer; }
  PG_END_TRY();
  return result;
}

/// Whether calls of a function are to go by the hook below. The server then does not put the body
/// of an SQL function into the statement either.
bool needs_hook(Oid function) {
  return (is_planning && !caller_trusts_function(function)) ||
         (next_needs_hook != nullptr && next_needs_hook(function));
}

void on_call(FmgrHookEventType event, FmgrInfo* call, Datum* argument) {
  if (event == FHET_START && is_planning && !caller_trusts_function(call->fn_oid))
    refuse(
        psprintf("Function %s is called by an index, a constraint, statistics or a partition key.",
                 format_procedure(call->fn_oid)));
  if (next_call_hook != nullptr) next_call_hook(event, call, argument);
}

}  // namespace

void install_plan_guard() {
  next_planner = planner_hook;
  planner_hook = plan_guarded;
  next_needs_hook = needs_fmgr_hook;
  needs_fmgr_hook = needs_hook;
  next_call_hook = fmgr_hook;
  fmgr_hook = on_call;
}

PlanGuard::PlanGuard(Oid table) : outer_(guarded_table) { guarded_table = table; }

PlanGuard::~PlanGuard() { guarded_table = outer_; }

}  // namespace als::pg
