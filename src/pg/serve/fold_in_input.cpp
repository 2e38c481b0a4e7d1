// Reads arrays of ids and ratings, and folds them in.
#include "pg/serve/fold_in_input.h"

#include <stdexcept>

#include "core/data/duplicates.h"
#include "pg/cache/fixed_side.h"
#include "pg/ids/id_args.h"
#include "pg/server/interrupts.h"
#include "pg/sql/array_elements.h"

namespace als::pg {

namespace {

/// A rating for each of n ids; `what` names one in messages.
std::vector<float> ratings_arg(FunctionCallInfo fcinfo, int index, std::size_t n,
                               const Model& model, const char* what) {
  if (PG_ARGISNULL(index)) {
    if (model.feedback == Feedback::kExplicit && model.source.rating_col)
      throw UserError(
          ERRCODE_NULL_VALUE_NOT_ALLOWED,
          format("ratings must not be null: model %s was trained on ratings", model.name.c_str()),
          format("Give a rating for each %s, in the same order.", what));
    return std::vector<float>(n, 1.0F);
  }

  const auto elements = server([&] { return array_elements(PG_GETARG_DATUM(index)); });
  if (static_cast<std::size_t>(elements.n) != n)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("%ss has %zu elements, but ratings has %d", what, n, elements.n),
                    format("Give a rating for each %s, in the same order.", what));
  std::vector<float> ratings(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (elements.nulls[i])
      throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED,
                      format("element %zu of ratings is null", i + 1),
                      "Leave out what has no rating.");
    const double rating = DatumGetFloat8(elements.values[i]);
    ratings[i] = static_cast<float>(rating);
    if (!std::isfinite(ratings[i]))
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("element %zu of ratings is %s", i + 1,
                             std::isnan(rating)   ? "NaN"
                             : std::isinf(rating) ? "infinite"
                                                  : "beyond single precision"),
                      "Ratings must be finite numbers.");
  }
  return ratings;
}

}  // namespace

FoldInInput::FoldInInput(FunctionCallInfo fcinfo, int ids_arg, int ratings, ServedModel& served,
                         Side side)
    : side_(side) {
  const Model& model = served.model();
  const IdIndex& ids = served.side(side).ids();
  const std::string what = side_name(side);
  std::vector<std::uint32_t> columns =
      id_array_arg(fcinfo, ids_arg, ids, (what + "s").c_str(), what.c_str());
  std::vector<float> values = ratings_arg(fcinfo, ratings, columns.size(), model, what.c_str());

  // By id, those of one id in the order in which they were given.
  std::vector<std::pair<std::uint32_t, std::size_t>> known;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != IdIndex::kMissing) known.emplace_back(columns[i], i);
  std::sort(known.begin(), known.end());
  ratings_.offsets = {0, known.size()};
  for (const auto& [id, place] : known) {
    ratings_.columns.push_back(id);
    ratings_.values.push_back(values[place]);
  }
  try {
    ThreadTeam alone = interruptible_team(1);
    duplicates_ = merge_duplicates(ratings_, model.on_duplicate, alone);
  } catch (const DuplicateRating& duplicate) {
    const char* id = server([&] { return id_text(ids.type(), ids.id(duplicate.item)); });
    throw UserError(ERRCODE_CARDINALITY_VIOLATION,
                    format("%s %s stands twice in %ss", what.c_str(), id, what.c_str()),
                    format("Model %s was trained with on_duplicate => 'error': give each %s once.",
                           model.name.c_str(), what.c_str()));
  }
}

FoldedRow FoldInInput::fold_in(ServedModel& served) const {
  const FixedSide fixed(served, side_);
  ThreadTeam alone = interruptible_team(1);
  try {
    return als::fold_in(fixed.objective, ratings_of(ratings_, 0), fixed.vectors, fixed.gram, alone);
  } catch (const std::range_error&) {
    throw_no_finite_vector(served.model(), format("these %ss and ratings", side_name(side_)));
  }
}

}  // namespace als::pg
