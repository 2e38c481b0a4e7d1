// Reads which items are eligible, and picks the best of them.
#include "pg/serve/top_items.h"

#include "core/linalg/products.h"
#include "core/search/top_k_search.h"
#include "pg/cache/new_items.h"
#include "pg/ids/id_args.h"
#include "pg/server/args.h"

namespace als::pg {

namespace {

/// Whether an argument is neither written down nor a parameter, but the result of a query or of an
/// expression. A server call.
bool is_computed(FunctionCallInfo fcinfo, int index) {
  if (fcinfo->flinfo->fn_expr == nullptr || !IsA(fcinfo->flinfo->fn_expr, FuncExpr)) return false;
  List* args = reinterpret_cast<FuncExpr*>(fcinfo->flinfo->fn_expr)->args;
  if (index >= list_length(args)) return false;
  auto* node = static_cast<Node*>(list_nth(args, index));
  for (;;) {
    // Casts, of any kind, are not what makes it one.
    if (IsA(node, RelabelType))
      node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
    else if (IsA(node, CoerceViaIO))
      node = reinterpret_cast<Node*>(reinterpret_cast<CoerceViaIO*>(node)->arg);
    else if (IsA(node, ArrayCoerceExpr))
      node = reinterpret_cast<Node*>(reinterpret_cast<ArrayCoerceExpr*>(node)->arg);
    else if (IsA(node, CoerceToDomain))
      node = reinterpret_cast<Node*>(reinterpret_cast<CoerceToDomain*>(node)->arg);
    else
      break;
  }
  if (IsA(node, Param)) return reinterpret_cast<::Param*>(node)->paramkind != PARAM_EXTERN;
  return !IsA(node, Const);
}

/// Null as an application sends it is no restriction. But where a query looks for the candidates it
/// means that there are none: array_agg of no rows is null.
void check_is_meant_null(FunctionCallInfo fcinfo, int candidates) {
  if (server([&] { return is_computed(fcinfo, candidates); }))
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "candidates is the null of a query",
                    "Write candidates => array(select ...), which is empty where nothing is found, "
                    "while array_agg is null. To choose from all items, leave candidates out.");
}

}  // namespace

OnUnknown on_unknown_arg(FunctionCallInfo fcinfo, int index, Side whom) {
  const std::string choice =
      whom == Side::kUsers ? choice_arg(fcinfo, index, "on_unknown", {"empty", "popular", "error"})
                           : choice_arg(fcinfo, index, "on_unknown", {"empty", "error"});
  if (choice == "empty") return OnUnknown::kEmpty;
  return choice == "popular" ? OnUnknown::kPopular : OnUnknown::kError;
}

Diversity diversity_arg(FunctionCallInfo fcinfo, int index) {
  if (index >= PG_NARGS()) return {};
  return {float_arg(fcinfo, index, "diversity", 0, 1)};
}

EligibleRows::EligibleRows(FunctionCallInfo fcinfo, int candidates, int exclude,
                           ServedModel& served, Side side)
    : rows_(served.side(side).size()) {
  const LoadedFactors& rows = served.side(side);
  const auto ids = [&](int argument, const char* name) {
    return id_array_arg(fcinfo, argument, rows.ids(), name, side_name(side));
  };
  if (PG_ARGISNULL(candidates)) {
    check_is_meant_null(fcinfo, candidates);
  } else {
    bitmap().set_all();
    for (std::uint32_t row : ids(candidates, "candidates")) {
      if (row == IdIndex::kMissing || (*this)[row]) continue;
      bitmap().clear(row);
      candidates_.push_back(row);
    }
    look_at_each_if_few(rows.size());
  }
  if (!PG_ARGISNULL(exclude))
    for (std::uint32_t row : ids(exclude, "exclude"))
      if (row != IdIndex::kMissing) this->exclude(row);
}

EligibleRows EligibleRows::new_items(ServedModel& served, int below) const {
  const std::size_t items = served.side(Side::kItems).size();
  EligibleRows rows(items);
  rows.bitmap().set_all();
  for_each_new_item(served, below, [&](std::uint32_t item) {
    if (!(*this)[item]) return;
    rows.bitmap().clear(item);
    rows.candidates_.push_back(item);
  });
  rows.look_at_each_if_few(items);
  return rows;
}

std::vector<ScoredItem> best_rows(ServedModel& served, Side side, const float* vector, float base,
                                  int k, const EligibleRows& eligible, Diversity diversity) {
  const auto wanted = static_cast<std::size_t>(k);
  if (diversity.is_asked()) {
    const auto head = static_cast<int>(std::min<std::size_t>(diversity.head(wanted), PG_INT32_MAX));
    return diversity.choose(best_rows(served, side, vector, base, head, eligible), wanted,
                            served.side(side).rows());
  }
  const std::vector<std::uint32_t>* candidates = eligible.few_candidates();
  if (candidates == nullptr)
    return served.search(side).best(vector, base, wanted, eligible.excluded());
  const LoadedFactors& all = served.side(side);
  const FactorView rows = all.rows();
  TopK top(wanted);
  for (std::uint32_t row : *candidates)
    if (eligible[row])
      top.offer(row, (base + all.bias()[row]) + dot(vector, rows.row(row), rows.cols));
  return top.take();
}

std::vector<ScoredItem> best_items(ServedModel& served, const float* vector, float base, int k,
                                   const EligibleRows& eligible, Diversity diversity,
                                   const NewItems& new_items) {
  std::vector<ScoredItem> list =
      best_rows(served, Side::kItems, vector, base, k, eligible, diversity);
  const Exploration& exploration = new_items.exploration;
  if (!exploration.is_asked()) return list;
  const auto wanted = static_cast<std::size_t>(k);
  const auto head = static_cast<int>(std::min<std::size_t>(exploration.head(wanted), PG_INT32_MAX));
  return exploration.mix(list,
                         best_rows(served, Side::kItems, vector, base, head,
                                   eligible.new_items(served, new_items.below)),
                         wanted, new_items.user_key);
}

bool is_empty(const Model& model, const float* vector) {
  return model.feedback == Feedback::kImplicit &&
         std::all_of(vector, vector + model.factors, [](float value) { return value == 0; });
}

std::vector<ScoredItem> popular_items(ServedModel& served, int k, const EligibleRows& eligible) {
  const LoadedFactors& items = served.side(Side::kItems);
  TopK top(static_cast<std::size_t>(k));
  for (std::uint32_t item = 0; item < items.size(); ++item)
    if (eligible[item]) top.offer(item, items.popularity()[item]);
  return top.take();
}

}  // namespace als::pg
