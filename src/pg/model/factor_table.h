// What the columns of a factor table hold.
#pragma once

#include "pg/ids/id_type.h"
#include "pg/model/model.h"
#include "pg/sql/real_array.h"

namespace als::pg {

/// The columns of a factor table beside the id. The casts cost nothing and hold where a user has
/// changed a column's type.
inline constexpr const char* kFactorColumns =
    "factors::pg_catalog.float4[], bias::pg_catalog.float4, n_ratings::pg_catalog.int4";

/// Whether a factor table keeps checksums of ratings: those made by als 1.0 do not. A server call.
bool keeps_checksums(Oid table);

/// Whether it keeps the popularity of its items, likewise. A server call.
bool keeps_popularity(Oid table);

/// The columns that two factor tables of a side share, for a copy of one to the other.
std::string shared_columns(Side side, Oid a, Oid b);

/// The type of a factor table's ids, allocated in `context`. A server call.
IdType* factor_id_type(const Model& model, Side side, MemoryContext context);

/// Checks a vector of a factor table against the model. Throws 2202E, 22004, or 22003 for a number
/// with which scores would not be finite.
VectorView model_vector(Datum factors, const Model& model, Side side);

/// Checks a bias of a factor table; null counts as 0. Throws 22003.
float model_bias(Datum bias, bool is_null, const Model& model, Side side);

}  // namespace als::pg
