// als.recommend_vector: the best items for a user whose vector the caller brings.

#include "core/base/limits.h"
#include "pg/serve/top_items.h"
#include "pg/server/args.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

enum Argument { kModel, kFactors, kK, kCandidates, kExclude, kOnUnknown, kDiversity, kBias };

constexpr const char* kHintOnVector =
    "A user's vector is what als.fold_in returns, or the column factors of the user factors.";

/// The vector of the call, which must be one that the model could have.
VectorView vector_arg(FunctionCallInfo fcinfo, const Model& model) {
  const VectorView view =
      server([&] { return view_vector(DatumGetArrayTypeP(PG_GETARG_DATUM(kFactors)), "factors"); });
  if (view.size != model.factors)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("factors has %d elements, but vectors of model %s have %d", view.size,
                           model.name.c_str(), model.factors),
                    kHintOnVector);
  for (int i = 0; i < view.size; ++i)
    if (!all_within(view.values + i, 1, kMaxFactor))
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("element %d of factors is %g", i + 1, view.values[i]),
                      "Factors must be between -1e17 and 1e17, so that scores are finite.");
  return view;
}

/// The user's bias; null is none, as in the user factors of a model without biases.
float bias_arg(FunctionCallInfo fcinfo, const Model& model) {
  const float bias = PG_ARGISNULL(kBias) ? 0 : PG_GETARG_FLOAT4(kBias);
  if (!all_within(&bias, 1, kMaxBias))
    throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, format("bias is %g", bias),
                    "Biases must be between -1e37 and 1e37, so that scores are finite.");
  if (bias != 0 && !model.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("model %s has no biases", model.name.c_str()), "Leave bias out.",
                    format("bias is %g.", bias));
  return bias;
}

std::vector<ScoredItem> recommend_vector(FunctionCallInfo fcinfo, ServedModel& served, int k) {
  const OnUnknown on_unknown = on_unknown_arg(fcinfo, kOnUnknown);
  const Diversity diversity = diversity_arg(fcinfo, kDiversity);
  const Model& model = served.model();
  const bool is_known = !PG_ARGISNULL(kFactors);
  if (!is_known && on_unknown == OnUnknown::kError)
    throw UserError(ERRCODE_NO_DATA_FOUND, "factors is null",
                    "Use on_unknown => 'popular' or 'empty' for users without a vector.");
  if (!is_known && on_unknown == OnUnknown::kEmpty) return {};

  EligibleRows eligible(fcinfo, kCandidates, kExclude, served, Side::kItems);
  if (!is_known) return popular_items(served, k, eligible);
  const VectorView vector = vector_arg(fcinfo, model);
  const float base = base_score(model, bias_arg(fcinfo, model));
  if (on_unknown == OnUnknown::kPopular && is_empty(model, vector.values))
    return popular_items(served, k, eligible);
  return best_rows(served, Side::kItems, vector.values, base, k, eligible, diversity);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend_vector)

/// als.recommend_vector(model regclass, factors real[], k, candidates, exclude, on_unknown,
/// diversity, bias real): rows (item_id, score real, rank int)
Datum als_recommend_vector(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel)) return static_cast<Datum>(0);
    const int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    auto best = recommend_vector(fcinfo, *served, k);
    if (!best.empty()) put_scored(result, served->side(Side::kItems), best);
    return static_cast<Datum>(0);
  });
}
