// als.predict: the score of one (user, item).

#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "pg/ids/id_args.h"
#include "pg/serve/scored_rows.h"
#include "pg/server/args.h"

namespace als::pg {

namespace {

enum class OnUnknown { kNull, kMean, kError };

/// What stays the same from row to row of a query.
struct PredictState {
  Oid model;
  Oid user_id_type;
  Oid item_id_type;
  IdConverter user;
  IdConverter item;
  bool on_unknown_is_constant;
  OnUnknown on_unknown;
};

OnUnknown on_unknown_from(FunctionCallInfo fcinfo) {
  std::string choice = choice_arg(fcinfo, 3, "on_unknown", {"null", "mean", "error"});
  if (choice == "null") return OnUnknown::kNull;
  return choice == "mean" ? OnUnknown::kMean : OnUnknown::kError;
}

PredictState& state_for(FunctionCallInfo fcinfo, ServedModel& served) {
  FmgrInfo* function = fcinfo->flinfo;
  auto*& state = reinterpret_cast<PredictState*&>(function->fn_extra);
  const IdType& user = served.id_type(Side::kUsers);
  const IdType& item = served.id_type(Side::kItems);
  if (state != nullptr && state->model == served.model().table && state->user_id_type == user.oid &&
      state->item_id_type == item.oid)
    return *state;

  PredictState fresh{};
  fresh.model = served.model().table;
  fresh.user_id_type = user.oid;
  fresh.item_id_type = item.oid;
  auto [user_from, item_from] = server([&] {
    return std::pair<Oid, Oid>(get_fn_expr_argtype(function, 1), get_fn_expr_argtype(function, 2));
  });
  fresh.user = converter_or_throw(user_from, user, "user", function->fn_mcxt);
  fresh.item = converter_or_throw(item_from, item, "item", function->fn_mcxt);
  fresh.on_unknown_is_constant = server([&] { return get_fn_expr_arg_stable(function, 3); });
  fresh.on_unknown = on_unknown_from(fcinfo);
  if (state == nullptr)
    state = static_cast<PredictState*>(
        server([&] { return MemoryContextAlloc(function->fn_mcxt, sizeof(PredictState)); }));
  *state = fresh;
  return *state;
}

/// Keeps predictions within the scale of the ratings, where that is asked for.
class Clip {
 public:
  Clip(FunctionCallInfo fcinfo, const Model& model) {
    if (PG_NARGS() > 4 && bool_arg(fcinfo, 4, "clip")) scale_ = model.rating_scale();  // not in 1.0
  }
  float operator()(float score) const {
    return scale_ ? std::clamp(score, scale_->lowest, scale_->highest) : score;
  }

 private:
  std::optional<RatingScale> scale_;
};

[[noreturn]] void throw_unknown(const Model& model, Side side, FunctionCallInfo fcinfo) {
  throw_unknown_id(model, side, fcinfo, side == Side::kUsers ? 1 : 2,
                   "It had no rating when the model was trained. Train again, or use on_unknown => "
                   "'null' or 'mean'.");
}

/// The row of the id in an argument, if there is one. A null is an id that no model knows.
std::optional<FactorRow> find_row(ServedModel& served, Side side, IdConverter& converter,
                                  const NullableDatum& id) {
  if (id.isnull) return std::nullopt;
  const std::optional<Datum> converted = converted_id(converter, id.value);
  return converted ? served.find(side, *converted) : std::nullopt;
}

/// What can be said without one of the vectors: mu plus the bias that is known. Implicit feedback
/// takes an absent cell for a 0.
float mean_score(const Model& model, const std::optional<FactorRow>& user,
                 const std::optional<FactorRow>& item) {
  if (model.feedback == Feedback::kImplicit) return 0;
  double known = (user ? user->bias : 0.0F) + (item ? item->bias : 0.0F);
  return static_cast<float>(model.mean + known);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_predict)

/// als.predict(model regclass, user_id, item_id, on_unknown text, clip boolean): real
Datum als_predict(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  std::optional<float> score = guard([&]() -> std::optional<float> {
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(0));
    const Clip clip(fcinfo, served->model());
    PredictState& state = state_for(fcinfo, *served);
    std::optional<FactorRow> user = find_row(*served, Side::kUsers, state.user, fcinfo->args[1]);
    std::optional<FactorRow> item = find_row(*served, Side::kItems, state.item, fcinfo->args[2]);
    const Model& model = served->model();
    if (user && item)
      return clip((base_score(model, user->bias) + item->bias) +
                  als::dot(user->values, item->values, static_cast<std::size_t>(model.factors)));
    OnUnknown on_unknown =
        state.on_unknown_is_constant ? state.on_unknown : on_unknown_from(fcinfo);
    if (on_unknown == OnUnknown::kNull) return std::nullopt;
    if (on_unknown == OnUnknown::kMean) return clip(mean_score(model, user, item));
    throw_unknown(model, user ? Side::kItems : Side::kUsers, fcinfo);
  });
  if (!score) PG_RETURN_NULL();
  PG_RETURN_FLOAT4(*score);
}
