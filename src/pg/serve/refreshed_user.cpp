// als._refreshed_user: the row that als.refresh_users writes of a user, for the statements by which
// the nodes of a cluster make those of their own.

#include "core/data/row_checksum.h"
#include "pg/serve/fold_in_input.h"
#include "pg/sql/real_array.h"

namespace als::pg {

namespace {

enum Argument { kModel, kItems, kRatings };
enum Column { kFactors, kBias, kCount, kSum, kDuplicates, kColumns };

std::uint64_t checksum_of(const FoldInInput& input, const IdIndex& items) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < input.items().size(); ++i) {
    const std::uint64_t key =
        server([&] { return id_hash(items.type(), items.id(input.items()[i])); });
    sum += rating_checksum(key, input.ratings().values[i]);
  }
  return sum;
}

Datum refreshed_user(FunctionCallInfo fcinfo) {
  Datum values[kColumns] = {};
  bool nulls[kColumns];
  std::fill(nulls, nulls + kColumns, true);
  const auto result = [&] {
    return server([&] {
      TupleDesc columns;
      if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
      return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
    });
  };
  if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kItems)) return result();
  std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
  const FoldInInput input(fcinfo, {kItems, kRatings}, *served);
  if (input.empty()) return result();
  const FoldedRow row = input.fold_in(*served);
  std::fill(nulls, nulls + kColumns, false);
  nulls[kBias] = !served->model().biases;
  values[kFactors] = server(
      [&] { return PointerGetDatum(make_vector(row.vector.data(), served->model().factors)); });
  values[kBias] = Float4GetDatum(row.bias);
  values[kCount] = Int32GetDatum(static_cast<int32>(input.items().size()));
  values[kSum] =
      Int64GetDatum(static_cast<int64>(checksum_of(input, served->side(Side::kItems).ids())));
  values[kDuplicates] = Int32GetDatum(static_cast<int32>(input.duplicates()));
  return result();
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_refreshed_user)

/// als._refreshed_user(model regclass, items, ratings float8[]): (factors real[], bias real,
/// n_ratings int, checksum bigint, duplicates int)
Datum als_refreshed_user(PG_FUNCTION_ARGS) {
  return als::pg::guard([&] { return als::pg::refreshed_user(fcinfo); });
}
