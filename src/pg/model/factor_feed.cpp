// The SQL functions that hand out trained factors while they are written.
#include "pg/model/factor_feed.h"

#include "pg/model/row_feed.h"
#include "pg/sql/real_array.h"

namespace als::pg {

std::vector<float> popularity_of(const std::vector<RatingTotals>& items, double mean,
                                 const std::optional<double>& damping, bool has_confidences) {
  std::vector<float> popularity;
  popularity.reserve(items.size());
  for (const RatingTotals& item : items)
    popularity.push_back(damping           ? damped_mean(item, mean, *damping)
                         : has_confidences ? static_cast<float>(item.sum)
                                           : static_cast<float>(item.positive));
  return popularity;
}

}  // namespace als::pg

namespace {

const als::pg::FactorFeed& rows_with(int64 n) {
  return als::pg::RowFeed<als::pg::FactorFeed>::with(n);
}

}  // namespace

ALS_SQL_FUNCTION(als_trained_id)
ALS_SQL_FUNCTION(als_trained_factors)
ALS_SQL_FUNCTION(als_trained_bias)
ALS_SQL_FUNCTION(als_trained_n_ratings)
ALS_SQL_FUNCTION(als_trained_popularity)
ALS_SQL_FUNCTION(als_trained_checksum)

/// als._trained_id(n bigint, anyelement): anyelement
Datum als_trained_id(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  int64 n = PG_GETARG_INT64(0);
  const als::pg::FactorFeed& rows = rows_with(n);
  return als::pg::hand_out_id(fcinfo, rows.ids->type(), rows.ids->id(rows.order[n]));
}

/// als._trained_factors(n bigint): real[]
Datum als_trained_factors(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const als::FactorMatrix& matrix = rows_with(n).factors->matrix;
  PG_RETURN_ARRAYTYPE_P(als::pg::make_vector(matrix.row(n), static_cast<int>(matrix.cols())));
}

/// als._trained_bias(n bigint): real, null without biases
Datum als_trained_bias(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const std::vector<float>& bias = rows_with(n).factors->bias;
  if (bias.empty()) PG_RETURN_NULL();
  PG_RETURN_FLOAT4(bias[n]);
}

/// als._trained_n_ratings(n bigint): int, null where nobody has counted
Datum als_trained_n_ratings(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const als::CompressedRows* rows = rows_with(n).ratings;
  if (rows == nullptr) PG_RETURN_NULL();
  std::size_t ratings = rows->row_size(n);
  PG_RETURN_INT32(static_cast<int32>(std::min<std::size_t>(ratings, PG_INT32_MAX)));
}

/// als._trained_checksum(n bigint): bigint, null where nobody has read the ratings
Datum als_trained_checksum(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const std::vector<std::uint64_t>& checksums = rows_with(n).checksums;
  if (checksums.empty()) PG_RETURN_NULL();
  PG_RETURN_INT64(static_cast<int64>(checksums[n]));
}

/// als._trained_popularity(n bigint): real, null where nobody has counted
Datum als_trained_popularity(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  const std::vector<float>* popularity = rows_with(n).popularity;
  if (popularity == nullptr) PG_RETURN_NULL();
  PG_RETURN_FLOAT4((*popularity)[n]);
}
