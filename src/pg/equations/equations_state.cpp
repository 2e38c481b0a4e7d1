// Makes, copies and checks states of the aggregates.
#include "pg/equations/equations_state.h"

namespace als::pg {

namespace {

const char* maker_of(FlatEquations::Kind kind) {
  switch (kind) {
    case FlatEquations::Kind::kExplicit:
      return "als.equations(factors, rating)";
    case FlatEquations::Kind::kBiased:
      return "als.equations(factors, rating, bias)";
    case FlatEquations::Kind::kImplicit:
      return "als.implicit_equations";
    case FlatEquations::Kind::kGram:
      break;
  }
  return "als.gram";
}

}  // namespace

bytea* new_equations(const FlatEquations::Shape& shape) {
  bytea* state = new_bytea(FlatEquations::bytes(shape), "Use shorter vectors.");
  FlatEquations(shape, VARDATA(state));
  return state;
}

bytea* equations_copy(FunctionCallInfo fcinfo, int index) {
  return server([&] { return PG_GETARG_BYTEA_P_COPY(index); });
}

FlatEquations open_equations(bytea* state) {
  const auto equations = FlatEquations::open(VARDATA(state), VARSIZE(state) - VARHDRSZ);
  if (!equations)
    throw UserError(ERRCODE_INVALID_BINARY_REPRESENTATION, "these bytes are no equations of als",
                    "They come from als.equations, als.implicit_equations or als.gram, of the same "
                    "version and on a machine of the same kind.");
  return *equations;
}

void check_same_shape(const FlatEquations::Shape& a, const FlatEquations::Shape& b) {
  if (a == b) return;
  if (a.kind != b.kind)
    throw UserError(
        ERRCODE_INVALID_PARAMETER_VALUE,
        format("sums of %s and of %s do not go together", maker_of(a.kind), maker_of(b.kind)),
        "Make both by the same aggregate.");
  if (a.factors != b.factors)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("vectors of different lengths: %u and %u", a.factors, b.factors),
                    "Factors of one model all have the same length.");
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("different alpha in one row: %s and %s", shortest(a.alpha).c_str(),
                         shortest(b.alpha).c_str()),
                  "Weights differ by the ratings: multiply those instead.");
}

}  // namespace als::pg
