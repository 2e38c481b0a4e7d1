// Asks the planner what reading some or all of a source costs.
#include "pg/source/read_cost.h"

#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

// In the planner's units, of which a page read in sequence is one: some milliseconds.
constexpr double kCheap = 1000;

struct Reading {
  double cost;
  bool by_index;  ///< of one table, which has one that the condition reaches
};

bool finds_by_index(const Plan* plan) {
  switch (nodeTag(plan)) {
    case T_IndexScan:
      return reinterpret_cast<const IndexScan*>(plan)->indexqual != NIL;
    case T_IndexOnlyScan:
      return reinterpret_cast<const IndexOnlyScan*>(plan)->indexqual != NIL;
    default:
      return IsA(plan, BitmapHeapScan);
  }
}

Reading reading_by(SPIPlanPtr plan) {
  return server([&]() -> Reading {
    CachedPlan* planned = SPI_plan_get_cached_plan(plan);
    const Plan* plan_tree = linitial_node(PlannedStmt, planned->stmt_list)->planTree;
    // That of an engine that spreads tables says nothing of the servers that it will ask.
    const double cost = IsA(plan_tree, CustomScan) ? 0 : plan_tree->total_cost;
    const bool by_index = finds_by_index(plan_tree);
    release_unsaved_plan(planned);
    return {cost, by_index};
  });
}

/// Whether the planner knows how many rows a user has. It guesses too many for a table that has
/// just been loaded.
bool has_statistics(const DescribedSource& source) {
  return server([&] {
    const AttrNumber column = get_attnum(source.table, source.user_col.c_str());
    return SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(source.table),
                                 Int16GetDatum(column), BoolGetDatum(false));
  });
}

bool can_have_index(Oid table) {
  const char kind = server([&] { return get_rel_relkind(table); });
  return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW;
}

}  // namespace

std::string advice_on_reading(const DescribedSource& source) {
  const std::string query = "select " + quoted(source.item_col) + " from " + source.from_clause();
  const IdType& type = *source.id_types.users;
  const char* condition = server([&] { return equals_condition(type, source.user_col.c_str()); });
  Reading all{};
  Reading one{};
  try {
    // What cannot be planned, as where an operator of the ids is ambiguous, need not fail here.
    run_and_undo([&] {
      SourceNames names(source);
      all = reading_by(prepare(query));
      one = reading_by(prepare(query + " where " + condition, {type.base}));
      names.end();
    });
  } catch (const ServerError& error) {
    if (error.data->sqlerrcode == ERRCODE_QUERY_CANCELED) throw;
    return "";
  }
  if (one.cost < kCheap || one.cost < all.cost / 3) return "";
  if (one.by_index && OidIsValid(source.table) && !has_statistics(source)) return "";
  const std::string column = quoted(source.user_col);
  return "als.recommend reads all of the source for each call: " +
         (can_have_index(source.table)
              ? "create index on " + relation_name(source.table) + " (" + column + ")"
              : "a condition on " + column +
                    " reaches no index in it; look for a limit, a cast of the id, or a table "
                    "without an index");
}

}  // namespace als::pg
