// The SQL functions that hand out recommendations while they are written.
#include "pg/batch/recommendation_feed.h"

#include "pg/model/row_feed.h"

namespace {

const als::pg::RecommendationFeed& rows_with(int64 n) {
  return als::pg::RowFeed<als::pg::RecommendationFeed>::with(n);
}

}  // namespace

ALS_SQL_FUNCTION(als_recommended_user)
ALS_SQL_FUNCTION(als_recommended_item)
ALS_SQL_FUNCTION(als_recommended_score)
ALS_SQL_FUNCTION(als_recommended_rank)

/// als._recommended_user(n bigint, anyelement): anyelement
Datum als_recommended_user(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  int64 n = PG_GETARG_INT64(0);
  const als::pg::RecommendationFeed& rows = rows_with(n);
  return als::pg::hand_out_id(fcinfo, rows.users->type(), rows.users->ids().id(rows.rows[n].user));
}

/// als._recommended_item(n bigint, anyelement): anyelement
Datum als_recommended_item(PG_FUNCTION_ARGS) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  int64 n = PG_GETARG_INT64(0);
  const als::pg::RecommendationFeed& rows = rows_with(n);
  return als::pg::hand_out_id(fcinfo, rows.items->type(), rows.items->ids().id(rows.rows[n].item));
}

/// als._recommended_score(n bigint): real
Datum als_recommended_score(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  PG_RETURN_FLOAT4(rows_with(n).rows[n].score);
}

/// als._recommended_rank(n bigint): int
Datum als_recommended_rank(PG_FUNCTION_ARGS) {
  int64 n = PG_GETARG_INT64(0);
  PG_RETURN_INT32(rows_with(n).rows[n].rank);
}
