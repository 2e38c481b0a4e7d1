#include "pg/trained_rows.h"

#include "pg/vector.h"

namespace als::pg {

namespace {

const TrainedRows* current_rows = nullptr;

/// The rows being written and the one asked for; an error outside of als.train.
const TrainedRows& rows_with(int64 n) {
  if (current_rows == nullptr)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("this function is for als.train alone"),
                    errhint("The factors of a model are in its factor tables.")));
  if (n < 0 || n >= static_cast<int64>(current_rows->order.size()))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("there is no trained row " INT64_FORMAT, n)));
  return *current_rows;
}

}  // namespace

TrainedRowsScope::TrainedRowsScope(const TrainedRows* rows) : previous_(current_rows) {
  current_rows = rows;
}

TrainedRowsScope::~TrainedRowsScope() { current_rows = previous_; }

}  // namespace als::pg

ALS_SQL_FUNCTION(als_trained_id)
ALS_SQL_FUNCTION(als_trained_factors)
ALS_SQL_FUNCTION(als_trained_bias)
ALS_SQL_FUNCTION(als_trained_n_ratings)

/// als.trained_id(n bigint, anyelement): anyelement
Datum als_trained_id(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const als::pg::TrainedRows& rows = als::pg::rows_with(PG_GETARG_INT64(0));
  if (get_fn_expr_rettype(fcinfo->flinfo) != rows.ids->type().oid)
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("the ids being written are of type %s", rows.ids->type().name)));
  PG_RETURN_DATUM(rows.ids->id(rows.order[PG_GETARG_INT64(0)]));
}

/// als.trained_factors(n bigint): real[]
Datum als_trained_factors(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const als::FactorMatrix& matrix = als::pg::rows_with(n).factors->matrix;
  PG_RETURN_ARRAYTYPE_P(als::pg::make_vector(matrix.row(n), static_cast<int>(matrix.cols())));
}

/// als.trained_bias(n bigint): real, null without biases
Datum als_trained_bias(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const std::vector<float>& bias = als::pg::rows_with(n).factors->bias;
  if (bias.empty()) PG_RETURN_NULL();
  PG_RETURN_FLOAT4(bias[n]);
}

/// als.trained_n_ratings(n bigint): int
Datum als_trained_n_ratings(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  std::size_t ratings = als::pg::rows_with(n).ratings->row_size(n);
  PG_RETURN_INT32(static_cast<int32>(std::min<std::size_t>(ratings, PG_INT32_MAX)));
}
