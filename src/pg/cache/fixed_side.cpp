// Sets up the problem of a row that training has not seen.
#include "pg/cache/fixed_side.h"

#include "core/linalg/gram.h"

namespace als::pg {

namespace {

/// Items that have features and no ratings are there to be recommended, and such users to be
/// served. That nobody has rated the ones, and the others nothing, says nothing: they take no part
/// in the objective.
bool is_new(const LoadedFactors& rows, std::size_t i) { return rows.n_ratings()[i] == 0; }

std::size_t counted(const Model& model, Side side, const LoadedFactors& factors) {
  if (!model.has_features(side)) return factors.size();
  const std::int32_t* ratings = factors.n_ratings();
  return factors.size() -
         static_cast<std::size_t>(std::count(ratings, ratings + factors.size(), 0));
}

RowObjective objective_of(const Model& model, Side side, const LoadedFactors& factors) {
  return RowObjective(model.options(), model.biases ? model.mean : 0.0,
                      counted(model, side, factors));
}

BiasedView vectors_of(const Model& model, const LoadedFactors& side) {
  return BiasedView(side.rows(), model.biases ? side.bias() : nullptr);
}

}  // namespace

FixedSide::FixedSide(ServedModel& served, Side side)
    : objective(objective_of(served.model(), side, served.side(side))),
      vectors(vectors_of(served.model(), served.side(side))) {
  if (!objective.implicit()) return;
  gram = served.search(side).gram();
  if (served.model().has_features(side)) leave_out_new(served.side(side));
}

/// Subtracts what they have in the Gram matrix.
void FixedSide::leave_out_new(const LoadedFactors& side) {
  const FactorView rows = side.rows();
  FactorMatrix added(0, rows.cols);
  for (std::size_t i = 0; i < side.size(); ++i)
    if (is_new(side, i)) added.append_row(rows.row(i));
  if (added.rows() == 0) return;
  ThreadTeam alone(1);
  const NormalEquations of_new = gram_of(added.view(), alone);
  NormalEquations rest(rows.cols);
  for (std::size_t k = 0; k < matrix_floats(rows.cols); ++k)
    rest.matrix()[k] = gram[k] - of_new.matrix()[k];
  own_gram_ = std::move(rest);
  gram = own_gram_->matrix();
}

FixedSide::FixedSide(ServedModel& served, Side side, ThreadTeam& team)
    : objective(objective_of(served.model(), side, served.side(side))),
      vectors(vectors_of(served.model(), served.side(side))) {
  if (!objective.implicit()) return;
  own_gram_ = gram_of(served.side(side).rows(), team);
  gram = own_gram_->matrix();
  if (served.model().has_features(side)) leave_out_new(served.side(side));
}

void throw_no_finite_vector(const Model& model, const std::string& of) {
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
      format("model %s gives no finite vector for %s", model.name.c_str(), of.c_str()),
      "Scale the ratings down, or train the model again if its own vectors are not finite.");
}

}  // namespace als::pg
