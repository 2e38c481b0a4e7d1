// Remembers the last row that a function has made, as long as the query's row is computed.
//
// The calls of an expanded row have the same arguments, and belong to one execution of one query,
// but each has its own place in the query's list of columns. The call of the first column makes the
// row. Before the query's next row the server resets the memory in which functions are called, and
// what is remembered goes with it. So it does before the next statement of PL/pgSQL, which
// evaluates all the assignments of a transaction as parts of one query.
#include "pg/sql/expanded_row.h"

namespace als::pg {

namespace {

struct MadeRow {
  MemoryContext query;
  FmgrInfo* maker;
  FunctionCallInfo call;  // the arguments
  Datum row;
};

MadeRow* last_made = nullptr;

bool same_argument(FunctionCallInfo a, FunctionCallInfo b, int index) {
  if (a->args[index].isnull || b->args[index].isnull)
    return a->args[index].isnull == b->args[index].isnull;
  int16 length;
  bool by_value;
  get_typlenbyval(get_fn_expr_argtype(a->flinfo, index), &length, &by_value);
  return datum_image_eq(a->args[index].value, b->args[index].value, by_value, length);
}

bool same_arguments(FunctionCallInfo a, FunctionCallInfo b) {
  if (a->flinfo->fn_oid != b->flinfo->fn_oid || a->nargs != b->nargs) return false;
  for (int i = 0; i < a->nargs; ++i)
    if (!same_argument(a, b, i)) return false;
  return true;
}

/// A copy in the current memory context.
FunctionCallInfo copy_of_call(FunctionCallInfo fcinfo) {
  auto* copy = static_cast<FunctionCallInfo>(palloc0(SizeForFunctionCallInfo(fcinfo->nargs)));
  copy->flinfo = fcinfo->flinfo;
  copy->nargs = fcinfo->nargs;
  for (int i = 0; i < fcinfo->nargs; ++i) {
    copy->args[i] = fcinfo->args[i];
    if (fcinfo->args[i].isnull) continue;
    int16 length;
    bool by_value;
    get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, i), &length, &by_value);
    copy->args[i].value = datumCopy(fcinfo->args[i].value, by_value, length);
  }
  return copy;
}

/// Calls without an expression, as from C, tell nothing of their arguments.
bool is_comparable(FunctionCallInfo fcinfo) { return fcinfo->flinfo->fn_expr != nullptr; }

void forget(void* made) {
  if (last_made == made) last_made = nullptr;
}

}  // namespace

std::optional<Datum> row_made_for_another_column(FunctionCallInfo fcinfo) {
  const MadeRow* made = last_made;
  if (made == nullptr || made->query != fcinfo->flinfo->fn_mcxt || made->maker == fcinfo->flinfo ||
      !is_comparable(fcinfo))
    return std::nullopt;
  if (!server([&] { return same_arguments(made->call, fcinfo); })) return std::nullopt;
  return made->row;
}

void keep_for_other_columns(FunctionCallInfo fcinfo, Datum row) {
  if (!is_comparable(fcinfo)) return;
  server([&] {
    auto* made = static_cast<MadeRow*>(palloc(sizeof(MadeRow)));
    *made = {fcinfo->flinfo->fn_mcxt, fcinfo->flinfo, copy_of_call(fcinfo),
             datumCopy(row, false, -1)};
    auto* callback = static_cast<MemoryContextCallback*>(palloc(sizeof(MemoryContextCallback)));
    callback->func = forget;
    callback->arg = made;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
    last_made = made;
  });
}

}  // namespace als::pg
