// als.similar_items and als.similar_users: neighbours by the cosine or the inner product of their
// factors.

#include "pg/args.h"
#include "pg/id_argument.h"
#include "pg/scores.h"

namespace als::pg {

namespace {

enum Argument { kModel, kId, kK, kOnUnknown, kMeasure };

/// The k rows most like row `index`, by y.z or by y.z / (|y| |z|), itself left out.
std::vector<ScoredItem> neighbours(ServedModel& served, Side which, std::uint32_t index,
                                   std::size_t k, bool by_cosine) {
  const FactorSide& side = served.side(which);
  const float* row = side.rows().row(index);
  // One more, since the row itself may be among them.
  const std::size_t wanted = std::min(k, side.size()) + 1;
  std::vector<ScoredItem> best;
  if (by_cosine) {
    best = served.search(which).best_by_cosine(row, wanted, nullptr);
  } else {
    // The search would add the biases, which have no part in how alike two vectors are.
    std::vector<float> scores(side.size());
    score_all(side.rows(), nullptr, 0.0F, row, scores.data());
    TopK top(wanted);
    for (std::size_t i = 0; i < scores.size(); ++i)
      top.offer(static_cast<std::uint32_t>(i), scores[i]);
    best = top.take();
  }
  auto itself = std::find_if(best.begin(), best.end(),
                             [&](const ScoredItem& found) { return found.item == index; });
  if (itself != best.end())
    best.erase(itself);
  else if (best.size() > k)
    best.pop_back();
  return best;
}

std::vector<ScoredItem> similar(FunctionCallInfo fcinfo, ServedModel& served, Side which, int k) {
  bool raise = choice_arg(fcinfo, kOnUnknown, "on_unknown", {"empty", "error"}) == "error";
  bool by_cosine = choice_arg(fcinfo, kMeasure, "measure", {"cosine", "inner_product"}) == "cosine";
  const FactorSide& side = served.side(which);
  Datum id = id_arg(fcinfo, kId, side.type(), side_name(which));
  std::uint32_t index = server([&] { return side.ids().find(id); });
  if (index != FlatIds::kMissing)
    return neighbours(served, which, index, static_cast<std::size_t>(k), by_cosine);
  if (!raise) return {};
  throw_unknown_id(served.model(), which, side.type(), id,
                   "It had no rating when the model was trained. Train again, or use on_unknown => "
                   "'empty'.");
}

Datum return_similar(FunctionCallInfo fcinfo, Side which) {
  init_materialized_srf(fcinfo);
  if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kId)) return static_cast<Datum>(0);
  return guard([&] {
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = similar(fcinfo, *served, which, k);
    return_scored(fcinfo, served->side(which), best);
    return static_cast<Datum>(0);
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_similar_items)
ALS_SQL_FUNCTION(als_similar_users)

/// als.similar_items(model regclass, item_id, k int, on_unknown text, measure text): rows (item_id,
/// score, rank)
Datum als_similar_items(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kItems);
}

/// als.similar_users(model regclass, user_id, k int, on_unknown text, measure text): rows (user_id,
/// score, rank)
Datum als_similar_users(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kUsers);
}
