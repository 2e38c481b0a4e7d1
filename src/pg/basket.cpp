#include "pg/basket.h"

#include <stdexcept>

#include "core/duplicates.h"
#include "pg/id_argument.h"
#include "pg/interruptible_team.h"

namespace als::pg {

namespace {

/// A rating for each of n items.
std::vector<float> ratings_arg(FunctionCallInfo fcinfo, int index, std::size_t n,
                               const Model& model) {
  if (PG_ARGISNULL(index)) {
    if (model.feedback == Feedback::kExplicit && model.source.rating_col)
      throw UserError(
          ERRCODE_NULL_VALUE_NOT_ALLOWED,
          format("ratings must not be null: model %s was trained on ratings", model.name.c_str()),
          "Give a rating for each item, in the same order.");
    return std::vector<float>(n, 1.0F);
  }

  struct Elements {
    Datum* values;
    bool* nulls;
    int n;
  };
  auto elements = server([&] {
    Elements result{};
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(index), FLOAT4OID, sizeof(float4), true, TYPALIGN_INT,
                      &result.values, &result.nulls, &result.n);
    return result;
  });
  if (static_cast<std::size_t>(elements.n) != n)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("items has %zu elements, but ratings has %d", n, elements.n),
                    "Give a rating for each item, in the same order.");
  std::vector<float> ratings(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (elements.nulls[i])
      throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                      format("element %zu of ratings is null", i + 1),
                      "Leave out what has no rating.");
    ratings[i] = DatumGetFloat4(elements.values[i]);
    if (!std::isfinite(ratings[i]))
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("element %zu of ratings is %s", i + 1,
                             std::isnan(ratings[i]) ? "NaN" : "infinite"),
                      "Ratings must be finite numbers.");
  }
  return ratings;
}

}  // namespace

Basket::Basket(FunctionCallInfo fcinfo, int items, int ratings, ServedModel& served) {
  const Model& model = served.model();
  const FlatIds& ids = served.side(Side::kItems).ids();
  std::vector<std::uint32_t> columns = id_array_arg(fcinfo, items, ids, "items");
  std::vector<float> values = ratings_arg(fcinfo, ratings, columns.size(), model);

  std::vector<std::pair<std::uint32_t, float>> known;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != FlatIds::kMissing) known.emplace_back(columns[i], values[i]);
  std::sort(known.begin(), known.end());
  ratings_.offsets = {0, known.size()};
  for (const auto& [item, rating] : known) {
    ratings_.columns.push_back(item);
    ratings_.values.push_back(rating);
  }
  try {
    ThreadTeam alone = interruptible_team(1);
    merge_duplicates(ratings_, model.on_duplicate, alone);
  } catch (const DuplicateRating& duplicate) {
    const char* id = server([&] { return id_text(ids.type(), ids.id(duplicate.item)); });
    throw UserError(
        ERRCODE_CARDINALITY_VIOLATION, format("item %s stands twice in items", id),
        format("Model %s was trained with on_duplicate => 'error': give each item once.",
               model.name.c_str()));
  }
}

FoldedRow Basket::fold_in(ServedModel& served) const {
  const Model& model = served.model();
  const FactorSide& items = served.side(Side::kItems);
  RowObjective objective(model.options(), model.biases ? model.mean : 0.0, items.size());
  const BiasedView fixed(items.rows(), model.biases ? items.bias() : nullptr);
  const float* gram = objective.implicit() ? served.search(Side::kItems).gram() : nullptr;
  ThreadTeam alone = interruptible_team(1);
  try {
    return als::fold_in(objective,
                        {ratings_.columns.data(), ratings_.values.data(), ratings_.columns.size()},
                        fixed, gram, alone);
  } catch (const std::range_error&) {
    throw UserError(
        ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        format("model %s gives no finite vector for these items and ratings", model.name.c_str()),
        "Scale the ratings down, or train the model again if its own vectors are not finite.");
  }
}

}  // namespace als::pg
