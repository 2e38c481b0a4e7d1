// Reads arrays of ids and ratings, and folds them in.
#include "pg/serve/fold_in_input.h"

#include <stdexcept>

#include "core/data/duplicates.h"
#include "pg/cache/fixed_side.h"
#include "pg/features/given_features.h"
#include "pg/ids/id_args.h"
#include "pg/server/interrupts.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

/// The elements of an array argument, one for each of n ids, in single precision; `what` names an
/// id in messages.
std::vector<float> numbers_arg(FunctionCallInfo fcinfo, int index, const std::string& name,
                               std::size_t n, const std::string& what, const char* hint_on_null) {
  const auto elements = server([&] { return array_elements(PG_GETARG_DATUM(index)); });
  const std::string noun = name.substr(0, name.size() - 1);
  if (static_cast<std::size_t>(elements.n) != n)
    throw UserError(
        ERRCODE_ARRAY_SUBSCRIPT_ERROR,
        format("%ss has %zu elements, but %s has %d", what.c_str(), n, name.c_str(), elements.n),
        format("Give a %s for each %s, in the same order.", noun.c_str(), what.c_str()));
  std::vector<float> numbers(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (elements.nulls[i])
      throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                      format("element %zu of %s is null", i + 1, name.c_str()), hint_on_null);
    const double number = DatumGetFloat8(elements.values[i]);
    numbers[i] = static_cast<float>(number);
    if (!std::isfinite(numbers[i]))
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("element %zu of %s is %s", i + 1, name.c_str(),
                             std::isnan(number)   ? "NaN"
                             : std::isinf(number) ? "infinite"
                                                  : "beyond single precision"),
                      name == "ratings" ? "Ratings must be finite numbers."
                                        : "Weights must be finite, and 0 or above.");
  }
  return numbers;
}

/// A rating for each of n ids.
std::vector<float> ratings_arg(FunctionCallInfo fcinfo, int index, std::size_t n,
                               const Model& model, const std::string& what) {
  if (!PG_ARGISNULL(index))
    return numbers_arg(fcinfo, index, "ratings", n, what, "Leave out what has no rating.");
  if (n > 0 && model.feedback == Feedback::kExplicit && model.source.rating_col)
    throw UserError(
        ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format("ratings must not be null: model %s was trained on ratings", model.name.c_str()),
        format("Give a rating for each %s, in the same order.", what.c_str()));
  return std::vector<float>(n, 1.0F);
}

/// A weight for each of n ids; none where there is no such argument, or it is null.
std::vector<float> weights_arg(FunctionCallInfo fcinfo, int index, std::size_t n,
                               const std::string& what) {
  if (index >= PG_NARGS() || PG_ARGISNULL(index)) return {};
  std::vector<float> weights =
      numbers_arg(fcinfo, index, "weights", n, what, "Say what it counts; 0 leaves it out.");
  for (std::size_t i = 0; i < n; ++i)
    if (weights[i] < 0)
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("element %zu of weights is %g", i + 1, weights[i]),
                      "Weights must be finite, and 0 or above.");
  return weights;
}

/// Where the features expect a row of this side, with ratings or without; nothing where there is no
/// such argument, or it is null.
std::optional<Factors> features_arg(FunctionCallInfo fcinfo, int index, const Model& model,
                                    Side side, bool has_ratings) {
  if (index >= PG_NARGS() || PG_ARGISNULL(index)) return std::nullopt;
  SpiConnection spi;
  Factors expected = expected_by(PG_GETARG_DATUM(index), model, side, has_ratings,
                                 side == Side::kUsers ? "als.fold_in_item takes those of items."
                                                      : "als.fold_in takes those of users.");
  spi.finish();
  return expected;
}

}  // namespace

FoldInInput::FoldInInput(FunctionCallInfo fcinfo, FoldInArguments arguments, ServedModel& served,
                         Side side)
    : side_(side) {
  const Model& model = served.model();
  const IdIndex& ids = served.side(side).ids();
  const std::string what = side_name(side);
  // Null is what array_agg has for a basket in which nothing is.
  std::vector<std::uint32_t> columns;
  if (!PG_ARGISNULL(arguments.ids))
    columns = id_array_arg(fcinfo, arguments.ids, ids, (what + "s").c_str(), what.c_str());
  const std::vector<float> values =
      ratings_arg(fcinfo, arguments.ratings, columns.size(), model, what);
  const std::vector<float> weights = weights_arg(fcinfo, arguments.weights, columns.size(), what);

  // By id, those of one id in the order in which they were given.
  std::vector<std::pair<std::uint32_t, std::size_t>> known;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != IdIndex::kMissing) known.emplace_back(columns[i], i);
  std::sort(known.begin(), known.end());
  const bool are_confidences = model.feedback == Feedback::kImplicit;
  for (const auto& [id, place] : known) {
    given_.push_back(id);
    const float weight = weights.empty() ? 1.0F : weights[place];
    if (weight == 0) continue;
    ratings_.columns.push_back(id);
    if (weights.empty() || !are_confidences)
      ratings_.values.push_back(values[place]);
    else
      ratings_.values.push_back(values[place] > 0 ? weight : -weight);
    if (!weights.empty() && !are_confidences) ratings_.weights.push_back(weight);
  }
  ratings_.offsets = {0, ratings_.columns.size()};
  try {
    ThreadTeam alone = interruptible_team(1);
    duplicates_ = merge_duplicates(ratings_, model.on_duplicate, alone);
  } catch (const DuplicateRating& duplicate) {
    const char* id = server([&] { return id_text(ids.type(), ids.id(duplicate.item)); });
    throw UserError(ERRCODE_CARDINALITY_VIOLATION,
                    format("%s %s appears twice in %ss", what.c_str(), id, what.c_str()),
                    format("Model %s was trained with on_duplicate => 'error': give each %s once.",
                           model.name.c_str(), what.c_str()));
  }
  expected_ =
      features_arg(fcinfo, arguments.features, model, other_side(side), !ratings_.columns.empty());
}

FoldedRow FoldInInput::fold_in(ServedModel& served) const {
  RowMean mean;
  if (expected_) {
    const float* factors = expected_->matrix.row(0);
    const float bias = expected_->bias_of(0);
    if (ratings_.columns.empty())
      return {std::vector<float>(factors, factors + expected_->matrix.cols()), bias};
    mean = {factors, bias, served.model().feature_strength[other_side(side_)]};
  }
  const FixedSide fixed(served, side_);
  ThreadTeam alone = interruptible_team(1);
  try {
    return als::fold_in(fixed.objective, ratings_of(ratings_, 0), fixed.vectors, fixed.gram, alone,
                        mean);
  } catch (const std::range_error&) {
    throw_no_finite_vector(served.model(), format("these %ss and ratings", side_name(side_)));
  }
}

}  // namespace als::pg
