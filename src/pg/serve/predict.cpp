// als.predict: the score of one (user, item). als.predict_pairs: those of many.

#include <limits>
#include <numeric>

#include "core/base/huge_pages.h"
#include "core/base/uninitialized_vector.h"
#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "pg/ids/id_args.h"
#include "pg/serve/scored_rows.h"
#include "pg/server/args.h"
#include "pg/server/memory_limit.h"
#include "pg/sql/real_array.h"

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
    if (PG_NARGS() <= 4 || !bool_arg(fcinfo, 4, "clip")) return;  // not in 1.0
    const RatingScale scale = model.rating_scale();
    lowest_ = scale.lowest;
    highest_ = scale.highest;
  }
  float operator()(float score) const { return std::clamp(score, lowest_, highest_); }

 private:
  float lowest_ = -std::numeric_limits<float>::infinity();
  float highest_ = std::numeric_limits<float>::infinity();
};

constexpr const char* kOtherChoices = "'null' or 'mean'";

/// The row of the id in an argument, if there is one. A null is an id that no model knows.
std::optional<FactorRow> find_row(ServedModel& served, Side side, IdConverter& converter,
                                  const NullableDatum& id) {
  if (id.isnull) return std::nullopt;
  const std::optional<Datum> converted = converted_id(converter, id.value);
  return converted ? served.find(side, *converted) : std::nullopt;
}

float score(const Model& model, const FactorRow& user, const FactorRow& item) {
  return (base_score(model, user.bias) + item.bias) +
         als::dot(user.values, item.values, static_cast<std::size_t>(model.factors));
}

/// What can be said without one of the vectors: mu plus the bias that is known. Implicit feedback
/// takes an absent cell for a 0.
float mean_score(const Model& model, const std::optional<FactorRow>& user,
                 const std::optional<FactorRow>& item) {
  if (model.feedback == Feedback::kImplicit) return 0;
  double known = (user ? user->bias : 0.0F) + (item ? item->bias : 0.0F);
  return static_cast<float>(model.mean + known);
}

/// What a pair comes to, which may be a null. on_unknown() says what an unknown id does,
/// throw_unknown(side) throws its error.
template <class Choice, class Throw>
std::optional<float> prediction(const Model& model, const std::optional<FactorRow>& user,
                                const std::optional<FactorRow>& item, const Clip& clip,
                                const Choice& on_unknown, const Throw& throw_unknown) {
  if (user && item) return clip(score(model, *user, *item));
  switch (on_unknown()) {
    case OnUnknown::kNull:
      return std::nullopt;
    case OnUnknown::kMean:
      return clip(mean_score(model, user, item));
    case OnUnknown::kError:
      throw_unknown(user ? Side::kItems : Side::kUsers);
  }
  return std::nullopt;
}

FactorRow row_of(const LoadedFactors& all, std::uint32_t index) {
  return {all.rows().row(index), all.bias()[index]};
}

/// The rows of one side that an array of ids asks for.
class AskedRows {
 public:
  AskedRows(ServedModel& served, Side side, const ArrayElements& elements)
      : served_(served),
        side_(side),
        elements_(elements),
        all_(served.side_for(side, static_cast<std::size_t>(elements.n))) {
    if (all_ != nullptr)
      indexes_ = find_elements(elements, all_->ids(), side_name(side));
    else
      converter_ = converter_or_throw(elements.type, served.id_type(side), side_name(side),
                                      CurrentMemoryContext);
  }

  NullableDatum id(int i) const { return {elements_.values[i], elements_.nulls[i]}; }
  Oid type() const { return elements_.type; }

  /// All rows of the side, where they lie together, and then where each of those asked for is.
  const LoadedFactors* all() const { return all_; }
  const std::vector<std::uint32_t>& indexes() const { return indexes_; }

  std::optional<FactorRow> operator[](int i) {
    if (all_ == nullptr) return find_row(served_, side_, converter_, id(i));
    if (indexes_[i] == IdIndex::kMissing) return std::nullopt;
    return row_of(*all_, indexes_[i]);
  }

 private:
  ServedModel& served_;
  Side side_;
  const ArrayElements& elements_;
  const LoadedFactors* all_;
  std::vector<std::uint32_t> indexes_;
  IdConverter converter_;
};

constexpr std::size_t kPairsPerPoll = 4096;

/// A pair whose rows are known, and its place among all pairs.
struct KnownPair {
  std::uint32_t user;
  std::uint32_t item;
  std::uint32_t place;
};

/// Known pairs, those of users whose vectors lie side by side together: of many users in no order
/// most vectors would come from memory otherwise.
UninitializedVector<KnownPair> known_pairs(const AskedRows& users, const AskedRows& items) {
  // Few enough that to write to each in turn is quick, and so many that the vectors of one fit the
  // second cache unless users are very many.
  constexpr std::size_t kParts = 512;
  const std::size_t n = users.indexes().size();
  int shift = 0;
  while ((users.all()->size() - 1) >> shift >= kParts) ++shift;
  const auto for_each = [&](const auto& body) {
    for (std::size_t i = 0; i < n; ++i) {
      if (i % kPairsPerPoll == 0) server([] { CHECK_FOR_INTERRUPTS(); });
      const std::uint32_t user = users.indexes()[i];
      const std::uint32_t item = items.indexes()[i];
      if (user == IdIndex::kMissing || item == IdIndex::kMissing) continue;
      body(user >> shift, KnownPair{user, item, static_cast<std::uint32_t>(i)});
    }
  };
  std::size_t places[kParts + 1] = {};
  for_each([&](std::size_t part, const KnownPair&) { ++places[part + 1]; });
  std::partial_sum(std::begin(places), std::end(places), std::begin(places));
  UninitializedVector<KnownPair> pairs(places[kParts]);
  ask_for_huge_pages(pairs.data(), pairs.size() * sizeof(KnownPair));
  for_each([&](std::size_t part, const KnownPair& pair) { pairs[places[part]++] = pair; });
  return pairs;
}

/// Asks for a row early: one after the other, each would be waited for. To the second cache, which
/// takes more requests at a time than the first, in two thirds of the time.
void fetch_row(const LoadedFactors& all, std::uint32_t index) {
  constexpr int kToSecondCache = 2;
  constexpr std::size_t kLineFloats = 64 / sizeof(float);
  const float* row = all.rows().row(index);
  for (std::size_t k = 0; k < all.rows().stride; k += kLineFloats)
    __builtin_prefetch(row + k, 0, kToSecondCache);
  __builtin_prefetch(all.bias() + index, 0, kToSecondCache);
}

void score_known_pairs(const Model& model, const AskedRows& users, const AskedRows& items,
                       const Clip& clip, std::vector<float>& scores) {
  constexpr std::size_t kAhead = 16;
  const UninitializedVector<KnownPair> pairs = known_pairs(users, items);
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    if (n % kPairsPerPoll == 0) server([] { CHECK_FOR_INTERRUPTS(); });
    if (n + kAhead < pairs.size()) {
      fetch_row(*users.all(), pairs[n + kAhead].user);
      fetch_row(*items.all(), pairs[n + kAhead].item);
      __builtin_prefetch(&scores[pairs[n + kAhead].place], 1);
    }
    const KnownPair& pair = pairs[n];
    scores[pair.place] =
        clip(score(model, row_of(*users.all(), pair.user), row_of(*items.all(), pair.item)));
  }
}

/// Bytes that each pair takes beside the arrays: two ids taken apart, their indexes, the pair, the
/// score as a number, as a value and in the result.
constexpr std::size_t kPairBytes = 2 * (sizeof(Datum) + sizeof(bool) + sizeof(std::uint32_t)) +
                                   sizeof(KnownPair) + 2 * sizeof(float) + sizeof(Datum) +
                                   sizeof(bool);

/// Two arrays of one length, taken apart.
BySide<ArrayElements> pair_arguments(FunctionCallInfo fcinfo) {
  BySide<ArrayElements> pairs;
  pairs.users = id_elements_arg(fcinfo, 1, "user_ids");
  check_memory_limit("predicting", kPairBytes * static_cast<std::size_t>(pairs.users.n),
                     ", or give fewer pairs at a time.", format("For %d pairs.", pairs.users.n));
  pairs.items = id_elements_arg(fcinfo, 2, "item_ids");
  if (pairs.users.n != pairs.items.n)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("user_ids has %d elements, item_ids %d", pairs.users.n, pairs.items.n),
                    "Give an item for each user: both come from the same rows.");
  return pairs;
}

/// The scores as an array. A server call.
Datum score_array(const std::vector<float>& scores, bool* nulls) {
  int n = static_cast<int>(scores.size());
  if (n == 0) return PointerGetDatum(construct_empty_array(FLOAT4OID));
  if (nulls == nullptr) return PointerGetDatum(make_vector(scores.data(), n));
  auto* values = static_cast<Datum*>(
      MemoryContextAllocHuge(CurrentMemoryContext, scores.size() * sizeof(Datum)));
  for (int i = 0; i < n; ++i) values[i] = Float4GetDatum(scores[i]);
  int lower = 1;
  return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, FLOAT4OID, sizeof(float4),
                                            true, TYPALIGN_INT));
}

Datum predict_pairs(FunctionCallInfo fcinfo) {
  std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(0));
  const Model& model = served->model();
  const Clip clip(fcinfo, model);
  const OnUnknown on_unknown = on_unknown_from(fcinfo);
  const BySide<ArrayElements> pairs = pair_arguments(fcinfo);
  AskedRows users(*served, Side::kUsers, pairs.users);
  AskedRows items(*served, Side::kItems, pairs.items);
  const int n = pairs.users.n;
  std::vector<float> scores(static_cast<std::size_t>(n));
  bool* nulls = nullptr;
  const bool have_all = users.all() != nullptr && items.all() != nullptr;
  if (have_all) score_known_pairs(model, users, items, clip, scores);
  for (int i = 0; i < n; ++i) {
    if (i % kPairsPerPoll == 0) server([] { CHECK_FOR_INTERRUPTS(); });
    const std::optional<FactorRow> user = users[i];
    const std::optional<FactorRow> item = items[i];
    if (have_all && user && item) continue;
    const std::optional<float> predicted = prediction(
        model, user, item, clip, [&] { return on_unknown; },
        [&](Side unknown) {
          const AskedRows& rows = unknown == Side::kUsers ? users : items;
          throw_unknown_id(model, unknown, rows.type(), rows.id(i), kOtherChoices);
        });
    if (predicted) {
      scores[i] = *predicted;
      continue;
    }
    if (nulls == nullptr)
      nulls = server([&] {
        return static_cast<bool*>(MemoryContextAllocExtended(
            CurrentMemoryContext, static_cast<Size>(n), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
      });
    nulls[i] = true;
  }
  return server([&] { return score_array(scores, nulls); });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_predict)

/// als.predict(model regclass, user_id, item_id, on_unknown text, clip boolean): real
Datum als_predict(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  std::optional<float> predicted = guard([&]() -> std::optional<float> {
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(0));
    const Clip clip(fcinfo, served->model());
    PredictState& state = state_for(fcinfo, *served);
    std::optional<FactorRow> user = find_row(*served, Side::kUsers, state.user, fcinfo->args[1]);
    std::optional<FactorRow> item = find_row(*served, Side::kItems, state.item, fcinfo->args[2]);
    const Model& model = served->model();
    return prediction(
        model, user, item, clip,
        [&] { return state.on_unknown_is_constant ? state.on_unknown : on_unknown_from(fcinfo); },
        [&](Side unknown) {
          throw_unknown_id(model, unknown, fcinfo, unknown == Side::kUsers ? 1 : 2, kOtherChoices);
        });
  });
  if (!predicted) PG_RETURN_NULL();
  PG_RETURN_FLOAT4(*predicted);
}

ALS_SQL_FUNCTION(als_predict_pairs)

/// als.predict_pairs(model regclass, user_ids, item_ids, on_unknown text, clip boolean): real[]
Datum als_predict_pairs(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2)) PG_RETURN_NULL();
  return guard([&] { return predict_pairs(fcinfo); });
}
