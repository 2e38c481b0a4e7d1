// Puts scored items into a result, and tells the planner how many there will be.
#include "pg/serve/scored_rows.h"

#include "pg/ids/id_args.h"

namespace als::pg {

void throw_unknown_id(const Model& model, Side side, FunctionCallInfo fcinfo, int argument,
                      const char* choices) {
  const Oid type = server([&] { return get_fn_expr_argtype(fcinfo->flinfo, argument); });
  throw_unknown_id(model, side, type, fcinfo->args[argument], choices);
}

void throw_unknown_id(const Model& model, Side side, Oid type, NullableDatum id,
                      const char* choices) {
  const char* text = server([&]() -> const char* {
    if (id.isnull) return "null";
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return OidOutputFunctionCall(output, id.value);
  });
  throw UserError(ERRCODE_NO_DATA_FOUND,
                  format("model %s does not know %s %s", model.name.c_str(), side_name(side), text),
                  id.isnull
                      ? format("Use on_unknown => %s.", choices)
                      : format("If it has ratings by now, als.refresh adds it. Or use on_unknown "
                               "=> %s.",
                               choices));
}

void put_scored(ResultRows& result, const LoadedFactors& side,
                const std::vector<ScoredItem>& best) {
  IdOutput output(side.type(), result.column_type(0));
  server([&] {
    for (std::size_t i = 0; i < best.size(); ++i) {
      bool nulls[3] = {};
      Datum values[3] = {output(side.ids().id(best[i].item)), Float4GetDatum(best[i].score),
                         Int32GetDatum(static_cast<int32>(i + 1))};
      result.put(values, nulls);
    }
  });
}

}  // namespace als::pg

ALS_SQL_FUNCTION(als_top_k_support)

/// Tells the planner how many rows a top-k function returns: k, which is the first argument of type
/// bigint beyond the model and the id or ids.
Datum als_top_k_support(PG_FUNCTION_ARGS) {
  auto* node = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
  if (!IsA(node, SupportRequestRows)) PG_RETURN_POINTER(nullptr);
  auto* request = reinterpret_cast<SupportRequestRows*>(node);
  if (!IsA(request->node, FuncExpr)) PG_RETURN_POINTER(nullptr);
  List* args = reinterpret_cast<FuncExpr*>(request->node)->args;
  int place = 2;
  while (place < list_length(args) &&
         exprType(static_cast<Node*>(list_nth(args, place))) != INT8OID)
    ++place;
  if (place >= list_length(args)) PG_RETURN_POINTER(nullptr);
  auto* k = static_cast<Node*>(list_nth(args, place));
  if (!IsA(k, Const)) PG_RETURN_POINTER(nullptr);
  auto* value = reinterpret_cast<Const*>(k);
  if (value->constisnull) PG_RETURN_POINTER(nullptr);
  request->rows = static_cast<double>(std::max<int64>(DatumGetInt64(value->constvalue), 1));
  PG_RETURN_POINTER(request);
}
