// als.recommend: the best items for a user.

#include "pg/ids/id_args.h"
#include "pg/model/model_source.h"
#include "pg/serve/top_items.h"
#include "pg/server/args.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

enum Argument { kModel, kUserId, kK, kExcludeSeen, kCandidates, kExclude, kOnUnknown };

/// Leaves out what the user has in the source now, which may be more than the model was trained on.
void exclude_seen(const Model& model, const LoadedFactors& items, const IdType& user_type,
                  const Param& user_id, EligibleItems& eligible) {
  SpiConnection spi;
  const RatingSource source = trusted_source(model);
  SourceNames names(source);
  const char* condition =
      server([&] { return equals_condition(user_type, source.user_col.c_str()); });
  SPIPlanPtr plan = saved_plan(
      "select " + quoted(source.item_col) + " from " + source.from_clause() + " where " + condition,
      {user_id.type});
  std::optional<IdConverter> converter;
  MemoryContext context = CurrentMemoryContext;
  for_each_row(plan, {user_id}, {InvalidOid}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0]) return;
    if (!converter)
      converter = converter_or_throw(TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid,
                                     items.type(), "item", context);
    std::uint32_t item = find_converted(items.ids(), *converter, slot->tts_values[0]);
    if (item != IdIndex::kMissing) eligible.exclude(item);
  });
  names.end();
  spi.finish();
}

std::vector<ScoredItem> recommend(FunctionCallInfo fcinfo, ServedModel& served, int k) {
  OnUnknown on_unknown = on_unknown_arg(fcinfo, kOnUnknown);
  const Model& model = served.model();
  const IdType& user_type = served.id_type(Side::kUsers);
  const std::optional<Datum> user_id = id_arg(fcinfo, kUserId, user_type, "user");
  std::optional<FactorRow> user =
      user_id ? served.find(Side::kUsers, *user_id) : std::optional<FactorRow>();
  if (!user && on_unknown == OnUnknown::kError)
    throw_unknown_id(model, Side::kUsers, fcinfo, kUserId,
                     "The user had no rating when the model was trained. Train again, or use "
                     "on_unknown => 'popular' or 'empty'.");
  if (!user && on_unknown == OnUnknown::kEmpty) return {};

  const LoadedFactors& items = served.side(Side::kItems);
  EligibleItems eligible(fcinfo, kCandidates, kExclude, items);
  require_arg(fcinfo, kExcludeSeen, "exclude_seen");
  if (PG_GETARG_BOOL(kExcludeSeen)) {
    // An integer beyond the model's ids may be one of the source's by now.
    const Oid type =
        user_id ? user_type.base : server([&] { return argument_type(fcinfo, kUserId); });
    const Param user_param{type, user_id ? *user_id : PG_GETARG_DATUM(kUserId)};
    exclude_seen(model, items, user_type, user_param, eligible);
  }

  if (!user) return popular_items(served, k, eligible);
  return best_items(served, user->values, base_score(model, user->bias), k, eligible);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend)

/// als.recommend(model regclass, user_id, k, exclude_seen, candidates, exclude, on_unknown): rows
/// (item_id, score real, rank int)
Datum als_recommend(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kUserId)) return static_cast<Datum>(0);
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = recommend(fcinfo, *served, k);
    if (!best.empty()) put_scored(result, served->side(Side::kItems), best);
    return static_cast<Datum>(0);
  });
}
