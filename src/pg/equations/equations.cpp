// als.equations, als.implicit_equations and als.gram: sums over ratings, or over vectors.

#include "pg/equations/equations_state.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

using Kind = FlatEquations::Kind;

/// A row to be added; the array is detoasted.
struct Row {
  VectorView vector;
  double rating;
  double bias;
};

[[noreturn]] void throw_beyond(const char* what, double value) {
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, format("%s is %s", what, shortest(value).c_str()),
      "It must be a finite number of single precision: correct the row, or leave it out "
      "with a filter clause.");
}

void check_row(const Row& row) {
  if (row.vector.size < 1 || row.vector.size > kMaxFactors)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("a vector of %d factors", row.vector.size),
                    format("There must be 1 to %d.", kMaxFactors));
  const auto n = static_cast<std::size_t>(row.vector.size);
  if (!all_within(row.vector.values, n, kMaxFactor))
    throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "a factor is NaN or beyond 1e17",
                    "Correct the row, or leave it out with a filter clause.");
  if (!std::isfinite(static_cast<float>(row.rating))) throw_beyond("a rating", row.rating);
  if (!(std::fabs(row.bias) <= kMaxBias)) throw_beyond("a bias", row.bias);
}

/// The state with the row added: in place if it is the aggregate's own, else a copy.
bytea* add_row(FunctionCallInfo fcinfo, Kind kind, const Row& row, double alpha) {
  check_row(row);
  const FlatEquations::Shape shape{kind, static_cast<std::uint32_t>(row.vector.size), alpha};
  bytea* state;
  if (PG_ARGISNULL(0)) {
    state = new_equations(shape);
  } else {
    state = bytea_to_change(fcinfo, 0);
    check_same_shape(open_equations(state).shape(), shape);
  }
  open_equations(state).add(row.vector.values, static_cast<float>(row.rating),
                            static_cast<float>(row.bias));
  return state;
}

/// Nulls are left out, as aggregates do.
Datum state_as_it_was(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  return PG_GETARG_DATUM(0);
}

VectorView vector_arg(FunctionCallInfo fcinfo) {
  return view_vector(PG_GETARG_ARRAYTYPE_P(1), "the vector");
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_rating)
ALS_SQL_FUNCTION(als_add_biased_rating)
ALS_SQL_FUNCTION(als_add_implicit_rating)
ALS_SQL_FUNCTION(als_add_vector)
ALS_SQL_FUNCTION(als_merge_equations)

/// als._add_rating(state bytea, factors real[], rating float8): bytea
Datum als_add_rating(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return state_as_it_was(fcinfo);
  const Row row{vector_arg(fcinfo), PG_GETARG_FLOAT8(2), 0};
  PG_RETURN_BYTEA_P(guard([&] { return add_row(fcinfo, Kind::kExplicit, row, 0); }));
}

/// als._add_rating(state bytea, factors real[], rating float8, bias float8): bytea
Datum als_add_biased_rating(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3)) return state_as_it_was(fcinfo);
  const Row row{vector_arg(fcinfo), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)};
  PG_RETURN_BYTEA_P(guard([&] { return add_row(fcinfo, Kind::kBiased, row, 0); }));
}

/// als._add_implicit_rating(state bytea, factors real[], rating float8, alpha float8): bytea
Datum als_add_implicit_rating(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return state_as_it_was(fcinfo);
  const Row row{vector_arg(fcinfo), PG_GETARG_FLOAT8(2), 0};
  PG_RETURN_BYTEA_P(guard([&] {
    return add_row(fcinfo, Kind::kImplicit, row, float_arg(fcinfo, 3, "alpha", 0, als::kMaxAlpha));
  }));
}

/// als._add_vector(state bytea, factors real[]): bytea
Datum als_add_vector(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(1)) return state_as_it_was(fcinfo);
  const Row row{vector_arg(fcinfo), 0, 0};
  PG_RETURN_BYTEA_P(guard([&] { return add_row(fcinfo, Kind::kGram, row, 0); }));
}

/// als._merge_equations(bytea, bytea): bytea, strict
Datum als_merge_equations(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_BYTEA_P(guard([&] {
    bytea* state = bytea_to_change(fcinfo, 0);
    bytea* other = equations_copy(fcinfo, 1);
    als::FlatEquations sums = open_equations(state);
    als::FlatEquations others = open_equations(other);
    check_same_shape(sums.shape(), others.shape());
    sums.add(others);
    return state;
  }));
}
