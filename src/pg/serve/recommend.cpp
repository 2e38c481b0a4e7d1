// als.recommend: the best items for a user; als.recommend_users: the best users for an item.

#include "pg/history/seen_sources.h"
#include "pg/ids/id_args.h"
#include "pg/ids/id_equality.h"
#include "pg/serve/top_items.h"
#include "pg/server/args.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

enum Argument {
  kModel,
  kId,
  kK,
  kExcludeSeen,
  kCandidates,
  kExclude,
  kOnUnknown,
  kSeen,
  kDiversity,
  kExplore,
  kNewBelow,
  kSeed
};

/// Leaves out what `whom` has in a source now, which may be more than the model was trained on.
void leave_out(const RatingSource& source, ServedModel& served, Side whom, const Param& id,
               EligibleRows& eligible) {
  SpiConnection spi;
  const Side what = other_side(whom);
  const IdType& type = served.id_type(whom);
  const bool is_collated = OidIsValid(type.collation);
  SourceNames names(source);
  const char* condition =
      server([&] { return equals_condition(type, source.id_col(whom).c_str()); });
  SPIPlanPtr plan = saved_plan("select " + quoted(source.id_col(what)) +
                                   (is_collated ? ", " + quoted(source.id_col(whom)) : "") +
                                   " from " + source.from_clause() + " where " + condition,
                               {id.type});
  const LoadedFactors& rows = served.side(what);
  std::optional<IdConverter> converter;
  std::optional<IdConverter> whoms;  // where the source holds more ids equal than the model does
  MemoryContext context = CurrentMemoryContext;
  const std::vector<Oid> types(is_collated ? 2 : 1, InvalidOid);
  for_each_row(plan, {id}, types, [&](TupleTableSlot* slot) {
    if (!converter) {
      const auto read_as = [&](int column, const IdType& ids, Side side) {
        return converter_or_throw(TupleDescAttr(slot->tts_tupleDescriptor, column)->atttypid, ids,
                                  side_name(side), context);
      };
      converter = read_as(0, rows.type(), what);
      if (is_collated && !hold_same_equal(TupleDescAttr(slot->tts_tupleDescriptor, 1)->attcollation,
                                          type.collation))
        whoms = read_as(1, type, whom);
    }
    if (slot->tts_isnull[0]) return;
    // An index of the source's serves all that it holds equal.
    if (whoms && !ids_equal(type, convert_id(&*whoms, slot->tts_values[1]), id.value)) return;
    const std::uint32_t row = find_converted(rows.ids(), *converter, slot->tts_values[0]);
    if (row != IdIndex::kMissing) eligible.exclude(row);
  });
  names.end();
  spi.finish();
}

/// An integer beyond the model's ids, which may be one of the source's by now. As text it is made
/// the number that it has been read as, since no column of integers can be compared with text.
Param beyond_arg(FunctionCallInfo fcinfo) {
  return server([&]() -> Param {
    const Oid type = argument_type(fcinfo, kId);
    if (TypeCategory(getBaseType(type)) != TYPCATEGORY_STRING && type != UNKNOWNOID)
      return {type, PG_GETARG_DATUM(kId)};
    char* number = type == UNKNOWNOID ? DatumGetCString(PG_GETARG_DATUM(kId))
                                      : TextDatumGetCString(PG_GETARG_DATUM(kId));
    errno = 0;
    const std::int64_t integer = std::strtoll(number, nullptr, 10);
    if (errno == 0) return {INT8OID, Int64GetDatum(integer)};
    return {NUMERICOID, OidInputFunctionCall(F_NUMERIC_IN, number, InvalidOid, -1)};
  });
}

void exclude_seen(FunctionCallInfo fcinfo, ServedModel& served, Side whom,
                  const std::optional<Datum>& id, EligibleRows& eligible) {
  require_arg(fcinfo, kExcludeSeen, "exclude_seen");
  if (!PG_GETARG_BOOL(kExcludeSeen) || PG_ARGISNULL(kId)) return;
  const Param param = id ? Param{served.id_type(whom).base, *id} : beyond_arg(fcinfo);
  std::optional<std::string> seen;
  if (PG_NARGS() > kSeen && !PG_ARGISNULL(kSeen)) seen = text_arg(fcinfo, kSeen, "seen");
  for_each_seen_source(served.model(), seen, [&](const RatingSource& source) {
    leave_out(source, served, whom, param, eligible);
  });
}

/// Of the lists of users; als 1.0 had none.
NewItems new_items_arg(FunctionCallInfo fcinfo, Side whom) {
  if (whom != Side::kUsers || PG_NARGS() <= kSeed) return {};
  const double share = float_arg(fcinfo, kExplore, "explore", 0, 1);
  const int below = int_arg(fcinfo, kNewBelow, "new_below", 1, PG_INT32_MAX);
  require_arg(fcinfo, kSeed, "seed");
  return {{share, static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed))}, below, 0};
}

/// A null id is one that the model does not know.
std::vector<ScoredItem> recommend(FunctionCallInfo fcinfo, ServedModel& served, Side whom, int k) {
  const OnUnknown on_unknown = on_unknown_arg(fcinfo, kOnUnknown, whom);
  const Diversity diversity =
      whom == Side::kUsers ? diversity_arg(fcinfo, kDiversity) : Diversity{};
  NewItems new_items = new_items_arg(fcinfo, whom);
  const Model& model = served.model();
  const Side what = other_side(whom);
  std::optional<Datum> id;
  if (!PG_ARGISNULL(kId)) id = id_arg(fcinfo, kId, served.id_type(whom), side_name(whom));
  std::optional<FactorRow> row;
  if (id) row = served.find(whom, *id);
  if (!row && on_unknown == OnUnknown::kError)
    throw_unknown_id(model, whom, fcinfo, kId,
                     whom == Side::kUsers ? "'popular' or 'empty'" : "'empty'");
  if (!row && on_unknown == OnUnknown::kEmpty) return {};

  EligibleRows eligible(fcinfo, kCandidates, kExclude, served, what);
  exclude_seen(fcinfo, served, whom, id, eligible);
  if (!row || (on_unknown == OnUnknown::kPopular && is_empty(model, row->values)))
    return popular_items(served, k, eligible);
  const float base = base_score(model, row->bias);
  if (whom == Side::kItems) return best_rows(served, what, row->values, base, k, eligible);
  if (new_items.exploration.is_asked())
    new_items.user_key = server([&] { return id_hash(served.id_type(whom), *id); });
  return best_items(served, row->values, base, k, eligible, diversity, new_items);
}

Datum return_recommended(FunctionCallInfo fcinfo, Side whom) {
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel)) return static_cast<Datum>(0);
    int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = recommend(fcinfo, *served, whom, k);
    if (!best.empty()) put_scored(result, served->side(other_side(whom)), best);
    return static_cast<Datum>(0);
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend)
ALS_SQL_FUNCTION(als_recommend_users)

/// als.recommend(model regclass, user_id, k, exclude_seen, candidates, exclude, on_unknown, seen,
/// diversity, explore, new_below int, seed): rows (item_id, score real, rank int)
Datum als_recommend(PG_FUNCTION_ARGS) {
  return als::pg::return_recommended(fcinfo, als::pg::Side::kUsers);
}

/// als.recommend_users(model regclass, item_id, k, exclude_seen, candidates, exclude, on_unknown,
/// seen): rows (user_id, score real, rank int)
Datum als_recommend_users(PG_FUNCTION_ARGS) {
  return als::pg::return_recommended(fcinfo, als::pg::Side::kItems);
}
