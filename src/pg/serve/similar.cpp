// als.similar_items and als.similar_users: neighbours by the cosine or the inner product of their
// factors.

#include "pg/ids/id_args.h"
#include "pg/serve/neighbors.h"
#include "pg/serve/top_items.h"
#include "pg/server/args.h"

namespace als::pg {

namespace {

enum Argument { kModel, kId, kK, kOnUnknown, kMeasure, kCandidates, kExclude };

std::vector<ScoredItem> similar(FunctionCallInfo fcinfo, ServedModel& served, Side which, int k) {
  bool raise = choice_arg(fcinfo, kOnUnknown, "on_unknown", {"empty", "error"}) == "error";
  bool by_cosine = choice_arg(fcinfo, kMeasure, "measure", {"cosine", "inner_product"}) == "cosine";
  const LoadedFactors& side = served.side(which);
  std::optional<Datum> id;
  if (!PG_ARGISNULL(kId)) id = id_arg(fcinfo, kId, side.type(), side_name(which));
  std::uint32_t index =
      id ? server([&] { return side.ids().find(*id); }) : std::uint32_t{IdIndex::kMissing};
  if (index != IdIndex::kMissing) {
    if (PG_NARGS() <= kExclude)  // 1.0
      return neighbours(served, which, index, static_cast<std::size_t>(k), by_cosine);
    const EligibleRows eligible(fcinfo, kCandidates, kExclude, served, which);
    return neighbours(served, which, index, static_cast<std::size_t>(k), by_cosine,
                      eligible.excluded());
  }
  if (!raise) return {};
  throw_unknown_id(served.model(), which, fcinfo, kId, "'empty'");
}

Datum return_similar(FunctionCallInfo fcinfo, Side which) {
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel)) return static_cast<Datum>(0);
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = similar(fcinfo, *served, which, k);
    put_scored(result, served->side(which), best);
    return static_cast<Datum>(0);
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_similar_items)
ALS_SQL_FUNCTION(als_similar_users)

/// als.similar_items(model regclass, item_id, k bigint, on_unknown text, measure text,
/// candidates, exclude): rows
/// (item_id, score, rank)
Datum als_similar_items(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kItems);
}

/// als.similar_users(model regclass, user_id, k bigint, on_unknown text, measure text,
/// candidates, exclude): rows
/// (user_id, score, rank)
Datum als_similar_users(PG_FUNCTION_ARGS) {
  return als::pg::return_similar(fcinfo, als::pg::Side::kUsers);
}
