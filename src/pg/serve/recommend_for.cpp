// als.recommend_for: the best items for a user of whom only a fold_in_input is known.

#include "pg/serve/fold_in_input.h"
#include "pg/serve/top_items.h"
#include "pg/server/args.h"

namespace als::pg {

namespace {

enum Argument {
  kModel,
  kItems,
  kRatings,
  kK,
  kExcludeSeen,
  kCandidates,
  kExclude,
  kOnUnknown,
  kDiversity,
  kWeights,
  kFeatures
};

std::vector<ScoredItem> recommend_for(FunctionCallInfo fcinfo, ServedModel& served, int k) {
  OnUnknown on_unknown = on_unknown_arg(fcinfo, kOnUnknown);
  const Diversity diversity = diversity_arg(fcinfo, kDiversity);
  const Model& model = served.model();
  FoldInInput fold_in_input(fcinfo, {kItems, kRatings, kWeights, kFeatures}, served);
  if (fold_in_input.empty() && on_unknown == OnUnknown::kError)
    throw UserError(ERRCODE_NO_DATA_FOUND,
                    format("model %s knows none of the items", model.name.c_str()),
                    "If they have ratings by now, als.refresh adds them. Or use on_unknown => "
                    "'popular' or 'empty'.");
  if (fold_in_input.empty() && on_unknown == OnUnknown::kEmpty) return {};

  EligibleRows eligible(fcinfo, kCandidates, kExclude, served, Side::kItems);
  require_arg(fcinfo, kExcludeSeen, "exclude_seen");
  if (PG_GETARG_BOOL(kExcludeSeen))
    for (std::uint32_t item : fold_in_input.given()) eligible.exclude(item);

  if (fold_in_input.empty()) return popular_items(served, k, eligible);
  FoldedRow user = fold_in_input.fold_in(served);
  if (on_unknown == OnUnknown::kPopular && is_empty(model, user.vector.data()))
    return popular_items(served, k, eligible);
  return best_rows(served, Side::kItems, user.vector.data(), base_score(model, user.bias), k,
                   eligible, diversity);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend_for)

/// als.recommend_for(model regclass, items, ratings float8[], k, exclude_seen, candidates, exclude,
/// on_unknown, diversity, weights float8[], features jsonb): rows (item_id, score real, rank int)
Datum als_recommend_for(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel)) return static_cast<Datum>(0);
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = recommend_for(fcinfo, *served, k);
    if (!best.empty()) put_scored(result, served->side(Side::kItems), best);
    return static_cast<Datum>(0);
  });
}
