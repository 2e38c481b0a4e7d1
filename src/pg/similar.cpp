// als.similar_items and als.similar_users: neighbours by the cosine of their factors.

#include "pg/args.h"
#include "pg/id_argument.h"
#include "pg/scores.h"

namespace als::pg {

namespace {

enum Argument { kModel, kId, kK, kOnUnknown };

/// cos(x, y) = x.y / (|x| |y|) for every row y; 0 where a vector is zero, which has no direction.
std::vector<float> cosines(const FactorSide& side, std::uint32_t to) {
  std::vector<float> scores(side.size());
  score_all(side.matrix().view(), nullptr, 0.0F, side.matrix().row(to), scores.data());
  float norm = side.norms()[to];
  for (std::size_t i = 0; i < scores.size(); ++i) {
    float both = norm * side.norms()[i];
    scores[i] = both > 0 ? scores[i] / both : 0.0F;
  }
  return scores;
}

std::vector<ScoredItem> similar(FunctionCallInfo fcinfo, const Model& model, Side which,
                                const FactorSide& side, int k) {
  bool raise = choice_arg(fcinfo, kOnUnknown, "on_unknown", {"empty", "error"}) == "error";
  Datum id = id_arg(fcinfo, kId, side.type(), side_name(which));
  std::uint32_t index = server([&] { return side.ids().find(id); });
  if (index == IdDictionary::kMissing) {
    if (!raise) return {};
    throw_unknown_id(model, which, side.type(), id,
                     "It had no rating when the model was trained. Train again, or use on_unknown "
                     "=> 'empty'.");
  }
  std::vector<float> scores = cosines(side, index);
  TopK top(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (i != index) top.offer(static_cast<std::uint32_t>(i), scores[i]);
  return top.take();
}

Datum return_similar(FunctionCallInfo fcinfo, Side which) {
  init_materialized_srf(fcinfo);
  if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kId)) return static_cast<Datum>(0);
  return guard([&] {
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    const FactorSide& side = served->side(which);
    return_scored(fcinfo, side, similar(fcinfo, served->model(), which, side, k));
    return static_cast<Datum>(0);
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_similar_items)
ALS_SQL_FUNCTION(als_similar_users)

/// als.similar_items(model regclass, item_id, k int, on_unknown text): rows (item_id, score, rank)
Datum als_similar_items(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kItems);
}

/// als.similar_users(model regclass, user_id, k int, on_unknown text): rows (user_id, score, rank)
Datum als_similar_users(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kUsers);
}
