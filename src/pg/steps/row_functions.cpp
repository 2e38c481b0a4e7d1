// als._row: the ratings of a user, by the numbers of the items.

#include "pg/ids/id_dictionary.h"
#include "pg/sql/array_elements.h"
#include "pg/steps/bytea_bytes.h"
#include "pg/steps/row_collector.h"

namespace als::pg {

namespace {

/// What one call of a query keeps for the next.
struct RowQuery {
  RowQuery(const IdType* type) : items(type) {}
  IdDictionary items;
  RowCollector* collector = nullptr;  ///< which new users go to; lives as its context does
};

/// Of one user.
struct RowState {
  RowCollector* collector;
  std::uint32_t user;
};

RowQuery* make_query(FunctionCallInfo fcinfo) {
  MemoryContext context = fcinfo->flinfo->fn_mcxt;
  require_arg(fcinfo, 3, "items");
  const auto* type = server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    const IdType* described =
        describe_id_type(get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GET_COLLATION(), "items");
    MemoryContextSwitchTo(old);
    return described;
  });
  auto* query = keep_in<RowQuery>(context, type);
  const ArrayElements ids = server([&] { return array_elements(PG_GETARG_DATUM(3)); });
  for (int i = 0; i < ids.n; ++i) {
    if (ids.nulls[i]) throw InvalidBytes("an item has no id");
    server([&] { guard([&] { query->items.find_or_add(ids.values[i]); }); });
  }
  if (query->items.size() != static_cast<std::size_t>(ids.n))
    throw InvalidBytes("two items have the same id");
  return query;
}

RowQuery& query_of(FunctionCallInfo fcinfo) {
  if (fcinfo->flinfo->fn_extra == nullptr)
    fcinfo->flinfo->fn_extra = guard_bytes([&] { return make_query(fcinfo); });
  return *static_cast<RowQuery*>(fcinfo->flinfo->fn_extra);
}

/// A new user. The server may have forgotten all those before, as the memory of an aggregate goes
/// from time to time. A server call.
RowState* add_user(RowQuery& query, MemoryContext context) {
  RowCollector* collector = query.collector;
  if (collector == nullptr || collector->context() != context || collector->is_sorted()) {
    collector = new (MemoryContextAllocZero(context, sizeof(RowCollector))) RowCollector(context);
    auto* callback = static_cast<MemoryContextCallback*>(
        MemoryContextAllocZero(context, sizeof(MemoryContextCallback)));
    callback->func = [](void* kept) { static_cast<RowQuery*>(kept)->collector = nullptr; };
    callback->arg = &query;
    MemoryContextRegisterResetCallback(context, callback);
    query.collector = collector;
  }
  auto* row = static_cast<RowState*>(MemoryContextAlloc(context, sizeof(RowState)));
  *row = {collector, collector->add_user()};
  return row;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_to_row)
ALS_SQL_FUNCTION(als_row_bytes)

/// als._add_to_row(state internal, item anyelement, rating float8, items anyarray): internal
Datum als_add_to_row(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0)
    elog(ERROR, "als._add_to_row called outside of an aggregate");
  RowQuery& query = query_of(fcinfo);
  RowState* row = PG_ARGISNULL(0) ? add_user(query, context)
                                  : reinterpret_cast<RowState*>(PG_GETARG_POINTER(0));
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) PG_RETURN_POINTER(row);
  // Another server may have an item that was not there when items were numbered.
  const std::uint32_t item = query.items.find(PG_GETARG_DATUM(1));
  if (item == IdDictionary::kMissing) PG_RETURN_POINTER(row);
  const double rating = PG_GETARG_FLOAT8(2);
  const auto single = static_cast<float>(rating);
  if (!std::isfinite(single))
    ereport(ERROR,
            (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("a rating is %g", rating),
             errhint("Ratings must be finite numbers of single precision: correct the row, or "
                     "leave it out by training on a query.")));
  row->collector->add(row->user, item, single);
  PG_RETURN_POINTER(row);
}

/// als._row_bytes(state internal): bytea, null for a user without ratings
Datum als_row_bytes(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const auto* state = reinterpret_cast<const RowState*>(PG_GETARG_POINTER(0));
  const RowCollector::Row row = state->collector->row(state->user);
  if (row.size == 0) PG_RETURN_NULL();
  PG_RETURN_BYTEA_P(guard([&] {
    return bytea_of(
        {{reinterpret_cast<const char*>(row.entries), row.size * sizeof(RowCollector::Entry)}});
  }));
}
