// als.solve: from the sums of a row to its vector.

#include "pg/equations/equations_state.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

using Kind = FlatEquations::Kind;

enum Argument { kEquations, kRegularization, kRegExponent, kBiasRegularization, kGram };

/// The Gram matrix that goes with sums of this shape, if they need one.
std::optional<FlatEquations> gram_arg(FunctionCallInfo fcinfo, const FlatEquations::Shape& shape) {
  if (shape.kind != Kind::kImplicit) {
    if (PG_ARGISNULL(kGram)) return std::nullopt;
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "gram is for implicit feedback",
                    "Leave gram out: what explicit feedback has no rating for does not count.");
  }
  if (PG_ARGISNULL(kGram))
    throw UserError(ERRCODE_NULL_VALUE_NOT_ALLOWED, "implicit feedback needs gram",
                    "Every item counts for every user: gram => (select als.gram(factors) from the "
                    "other side).");
  FlatEquations gram = open_equations(equations_copy(fcinfo, kGram));
  check_same_shape(gram.shape(), {Kind::kGram, shape.factors, 0});
  return gram;
}

std::vector<float> solve(FunctionCallInfo fcinfo) {
  FlatEquations equations = open_equations(equations_copy(fcinfo, kEquations));
  const FlatEquations::Shape shape = equations.shape();
  if (shape.kind == Kind::kGram)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "a Gram matrix alone is no row's equations",
                    "Pass als.implicit_equations(...) first, and the Gram matrix as gram.");
  TrainOptions ridge;
  ridge.regularization =
      float_arg(fcinfo, kRegularization, "regularization", 0, kMaxRegularization);
  ridge.reg_exponent = float_arg(fcinfo, kRegExponent, "reg_exponent", 0, kMaxRegExponent);
  ridge.bias_regularization = ridge.regularization;
  if (!PG_ARGISNULL(kBiasRegularization)) {
    if (shape.kind != Kind::kBiased)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      "bias_regularization is for rows with biases",
                      "Leave it out, or use als.equations(factors, rating, bias).");
    ridge.bias_regularization =
        float_arg(fcinfo, kBiasRegularization, "bias_regularization", 0, kMaxRegularization);
  }
  std::optional<FlatEquations> gram = gram_arg(fcinfo, shape);
  return equations.solve(ridge, gram ? &*gram : nullptr);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_solve)

/// als.solve(equations bytea, regularization, reg_exponent, bias_regularization, gram bytea):
/// real[], with the bias last; null for a row without ratings
Datum als_solve(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(kEquations)) PG_RETURN_NULL();
  PG_RETURN_ARRAYTYPE_P(guard([&] {
    const std::vector<float> x = solve(fcinfo);
    return server([&] { return make_vector(x.data(), static_cast<int>(x.size())); });
  }));
}
