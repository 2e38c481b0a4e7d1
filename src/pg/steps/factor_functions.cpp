// Out of slices and chunks, for the last time: what the model's factor tables hold.

#include "core/data/row_checksum.h"
#include "core/parts/finished_users.h"
#include "core/parts/item_slice.h"
#include "core/parts/part_sums.h"
#include "pg/model/factor_feed.h"
#include "pg/server/interrupts.h"
#include "pg/sql/real_array.h"
#include "pg/sql/result_rows.h"
#include "pg/steps/kept_chunks.h"
#include "pg/steps/kept_slices.h"
#include "pg/steps/kept_users.h"
#include "pg/steps/stored_chunk.h"

namespace als::pg {

namespace {

/// Puts row n of some factors: its vector, its bias, its number of ratings, their checksum, and for
/// items one column more.
void put(ResultRows& rows, const Factors& factors, std::size_t n, std::uint64_t n_ratings,
         std::uint64_t checksum, Datum more = 0) {
  server([&] {
    const FactorMatrix& matrix = factors.matrix;
    const bool biased = !factors.bias.empty();
    const Datum values[] = {
        PointerGetDatum(make_vector(matrix.row(n), static_cast<int>(matrix.cols()))),
        biased ? Float4GetDatum(factors.bias[n]) : 0,
        Int32GetDatum(static_cast<int32>(std::min<std::uint64_t>(n_ratings, PG_INT32_MAX))),
        Int64GetDatum(static_cast<int64>(checksum)), more};
    const bool nulls[] = {false, !biased, false, false, false};
    rows.put(values, nulls);
    pfree(DatumGetPointer(values[0]));
  });
}

void put_items(FunctionCallInfo fcinfo) {
  ResultRows rows(fcinfo);
  const std::unique_ptr<SliceState> slice = SliceArg(fcinfo, 0).take();
  const Factors& factors = slice->factors;
  const ByteView bytes = bytes_arg(fcinfo, 1, "totals");
  const std::vector<RatingTotals> totals = rating_totals(bytes);
  const std::vector<std::uint64_t> checksums = rating_checksums(bytes);
  if (totals.size() != factors.matrix.rows())
    throw InvalidBytes("a slice and totals of different items");
  check_within_limits(factors);
  const double mean = float_arg(fcinfo, 2, "mean", -kMaxBias, kMaxBias);
  std::optional<double> damping;
  if (!PG_ARGISNULL(3)) damping = PG_GETARG_FLOAT8(3);
  const std::vector<float> popularity = popularity_of(totals, mean, damping);
  for (std::size_t n = 0; n < totals.size(); ++n)
    put(rows, factors, n, totals[n].n, checksums[n], Float4GetDatum(popularity[n]));
}

/// Of the chunk and the users that the first arguments are, which are of no use any more then.
FinishedUsers finish_users(FunctionCallInfo fcinfo) {
  const StoredChunk stored(fcinfo, 0);
  const std::shared_ptr<WeighedChunk> chunk = unpacked_by_user(stored);
  forget_chunk(stored);
  const CompressedRows& rows = chunk->rows;
  FinishedUsers users;
  users.factors = UsersArg(fcinfo, 1).take().factors;
  const std::vector<std::uint64_t> keys = keys_arg(fcinfo, 2);
  if (rows.rows() != users.factors.matrix.rows())
    throw InvalidBytes("a chunk and factors of different users");
  for (const std::uint32_t column : rows.columns)
    if (column >= keys.size()) throw InvalidBytes("there must be a key for each item");
  check_within_limits(users.factors);
  for (std::size_t n = 0; n < rows.rows(); ++n)
    users.ratings.push_back(static_cast<std::uint32_t>(rows.row_size(n)));
  ThreadTeam team = interruptible_team(1);
  users.checksums = row_checksums(rows, keys, team);
  return users;
}

void put_users(ResultRows& rows, const FinishedUsers& users) {
  for (std::size_t n = 0; n < users.size(); ++n)
    put(rows, users.factors, n, users.ratings[n], users.checksums[n]);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_slice_factors)
ALS_SQL_FUNCTION(als_chunk_factors)
ALS_SQL_FUNCTION(als_packed_factors)
ALS_SQL_FUNCTION(als_unpacked_factors)

/// als._slice_factors(slice bytea, totals bytea, mean float8, damping float8): setof (factors
/// real[], bias real, n_ratings int, checksum bigint, popularity real), in the order of the items
Datum als_slice_factors(PG_FUNCTION_ARGS) {
  return als::pg::guard_bytes([&] {
    als::pg::put_items(fcinfo);
    return static_cast<Datum>(0);
  });
}

/// als._chunk_factors(chunk bytea, users bytea, item_keys bigint[]): setof (factors real[], bias
/// real, n_ratings int, checksum bigint), in the order of the users
Datum als_chunk_factors(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    ResultRows rows(fcinfo);
    put_users(rows, finish_users(fcinfo));
    return static_cast<Datum>(0);
  });
}

/// als._packed_factors(chunk bytea, users bytea, item_keys bigint[]): bytea, the same rows in one
/// value
Datum als_packed_factors(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] { return bytea_datum(finish_users(fcinfo).bytes()); });
}

/// als._unpacked_factors(packed bytea): setof, as als._chunk_factors
Datum als_unpacked_factors(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    ResultRows rows(fcinfo);
    put_users(rows, als::FinishedUsers::read(bytes_arg(fcinfo, 0, "packed")));
    return static_cast<Datum>(0);
  });
}
