// als._id_key: what of an id decides where its ratings go; als._rating_checksum: what a rating of
// an id adds to the checksum of its row.

#include "core/data/row_checksum.h"
#include "pg/ids/id_equality.h"
#include "pg/server/args.h"

namespace als::pg {

namespace {

/// The type of the first argument, described once a query. A server call.
const IdType& id_type_of(FunctionCallInfo fcinfo) {
  if (fcinfo->flinfo->fn_extra == nullptr) {
    MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
    fcinfo->flinfo->fn_extra =
        describe_id_type(get_fn_expr_argtype(fcinfo->flinfo, 0), PG_GET_COLLATION(), "ids");
    MemoryContextSwitchTo(old);
  }
  return *static_cast<const IdType*>(fcinfo->flinfo->fn_extra);
}

/// The key that a training in one place has for the id, too. A server call.
std::uint64_t key_of(FunctionCallInfo fcinfo) {
  const IdType& type = id_type_of(fcinfo);
  Datum id = PG_GETARG_DATUM(0);
  if (type.length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  return id_hash(type, id);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_id_key)
ALS_SQL_FUNCTION(als_rating_checksum)

/// als._id_key("any"): bigint, strict
Datum als_id_key(PG_FUNCTION_ARGS) { PG_RETURN_INT64(static_cast<int64>(als::pg::key_of(fcinfo))); }

/// als._rating_checksum("any", rating float8): bigint, strict
Datum als_rating_checksum(PG_FUNCTION_ARGS) {
  const auto rating = static_cast<float>(PG_GETARG_FLOAT8(1));
  PG_RETURN_INT64(static_cast<int64>(als::rating_checksum(als::pg::key_of(fcinfo), rating)));
}
