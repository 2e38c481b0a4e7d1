// Sets up the problem of a row that training has not seen.
#include "pg/cache/fixed_side.h"

#include "core/linalg/gram.h"

namespace als::pg {

namespace {

RowObjective objective_of(const Model& model, std::size_t others) {
  return RowObjective(model.options(), model.biases ? model.mean : 0.0, others);
}

BiasedView vectors_of(const Model& model, const LoadedFactors& side) {
  return BiasedView(side.rows(), model.biases ? side.bias() : nullptr);
}

}  // namespace

FixedSide::FixedSide(ServedModel& served, Side side)
    : objective(objective_of(served.model(), served.side(side).size())),
      vectors(vectors_of(served.model(), served.side(side))) {
  if (objective.implicit()) gram = served.search(side).gram();
}

FixedSide::FixedSide(ServedModel& served, Side side, ThreadTeam& team)
    : objective(objective_of(served.model(), served.side(side).size())),
      vectors(vectors_of(served.model(), served.side(side))) {
  if (!objective.implicit()) return;
  own_gram_ = gram_of(served.side(side).rows(), team);
  gram = own_gram_->matrix();
}

void throw_no_finite_vector(const Model& model, const std::string& of) {
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
      format("model %s gives no finite vector for %s", model.name.c_str(), of.c_str()),
      "Scale the ratings down, or train the model again if its own vectors are not finite.");
}

}  // namespace als::pg
