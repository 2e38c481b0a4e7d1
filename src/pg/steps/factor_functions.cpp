// Out of slices and chunks, for the last time: what the model's factor tables hold.

#include <algorithm>

#include "core/data/row_checksum.h"
#include "core/parts/finished_rows.h"
#include "core/parts/totals.h"
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

/// Of the slice and the totals that the first arguments are.
FinishedRows finish_items(FunctionCallInfo fcinfo) {
  const std::unique_ptr<SliceState> slice = SliceArg(fcinfo, 0).take();
  ByteView bytes = bytes_arg(fcinfo, 1, "totals");
  const SliceTotals totals = SliceTotals::read(bytes);
  if (totals.slice != slice->report.slice || totals.ratings.size() != slice->size())
    throw InvalidBytes("a slice and totals of different items");
  if (!slice->report.at_rest()) throw InvalidBytes("a slice in the middle of a half-step");
  check_within_limits(slice->factors);
  const double mean = float_arg(fcinfo, 2, "mean", -kMaxBias, kMaxBias);
  std::optional<double> damping;
  if (!PG_ARGISNULL(3)) damping = float_arg(fcinfo, 3, "damping", 0, 1e300);
  FinishedRows items;
  items.factors = std::move(slice->factors);
  items.checksums = totals.checksums;
  items.popularity = popularity_of(totals.ratings, mean, damping);
  for (const RatingTotals& item : totals.ratings)
    items.ratings.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(item.n, PG_INT32_MAX)));
  return items;
}

/// Of the chunk and the users that the first arguments are, which are of no use any more then.
FinishedRows finish_users(FunctionCallInfo fcinfo) {
  const StoredChunk stored(fcinfo, 0);
  const std::shared_ptr<WeighedChunk> chunk = unpacked_by_user(stored);
  forget_chunk(stored);
  const CompressedRows& rows = chunk->rows;
  FinishedRows users;
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

void put(ResultRows& rows, const FinishedRows& finished) {
  const FactorMatrix& matrix = finished.factors.matrix;
  const std::vector<float>& biases = finished.factors.bias;
  for (std::size_t n = 0; n < finished.size(); ++n) {
    server([&] {
      CHECK_FOR_INTERRUPTS();
      const bool biased = !biases.empty();
      const bool of_item = !finished.popularity.empty();
      const Datum values[] = {
          PointerGetDatum(make_vector(matrix.row(n), static_cast<int>(matrix.cols()))),
          biased ? Float4GetDatum(biases[n]) : 0,
          Int32GetDatum(
              static_cast<int32>(std::min<std::uint32_t>(finished.ratings[n], PG_INT32_MAX))),
          Int64GetDatum(static_cast<int64>(finished.checksums[n])),
          of_item ? Float4GetDatum(finished.popularity[n]) : 0};
      const bool nulls[] = {false, !biased, false, false, !of_item};
      rows.put(values, nulls);
      pfree(DatumGetPointer(values[0]));
    });
  }
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_packed_items)
ALS_SQL_FUNCTION(als_packed_users)
ALS_SQL_FUNCTION(als_unpacked_factors)

/// als._packed_items(slice bytea, totals bytea, mean float8, damping float8): bytea, the rows of
/// some of the items, in their order
Datum als_packed_items(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] { return bytea_datum(finish_items(fcinfo).bytes()); });
}

/// als._packed_users(chunk bytea, users bytea, item_keys bigint[]): bytea, the rows of a chunk's
/// users, in their order
Datum als_packed_users(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] { return bytea_datum(finish_users(fcinfo).bytes()); });
}

/// als._unpacked_factors(packed bytea): setof (factors real[], bias real, n_ratings int, checksum
/// bigint, popularity real), the rows of either
Datum als_unpacked_factors(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    ResultRows rows(fcinfo);
    put(rows, als::FinishedRows::read(bytes_arg(fcinfo, 0, "packed")));
    return static_cast<Datum>(0);
  });
}
