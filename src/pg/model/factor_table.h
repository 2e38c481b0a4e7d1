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

/// A column that the factor tables made by als 1.0 lack until the next training.
struct LaterColumn {
  const char* name;
  Oid type;
  const char* type_name;
};
inline constexpr LaterColumn kChecksum{"checksum", INT8OID, "bigint"};      ///< of ratings
inline constexpr LaterColumn kPopularity{"popularity", FLOAT4OID, "real"};  ///< of items alone

/// Those of a side's factor tables.
std::vector<LaterColumn> later_columns(Side side);

/// The column of a factor table, or InvalidAttrNumber where the table lacks it or has another of
/// the name. A server call.
AttrNumber number_of(const LaterColumn& column, Oid table);

/// The columns that two factor tables of a side share, for a copy of one to the other.
std::string shared_columns(Side side, Oid a, Oid b);

/// Throws 42703 for a table without all the columns of factors, which in SQL would mean something
/// else: the whole row, where the table has the name of the column; 42501 where reading or writing
/// them could run code of a role that the caller does not trust. `model`: in messages.
void check_factor_columns(Oid table, Side side, const std::string& model);

/// Looks up what is read of the table that the model's row names for a side, and locks it. Throws
/// 55000 for one that is gone, 42703 for one without its columns, 42501 for one that could run code
/// of a role that the caller does not trust.
void describe_factor_table(Model& model, Side side);

/// Keeps a side's factors from being made something else than was described: a view, say, or a
/// table of another name. A server call.
void lock_factor_table(const FactorTable& factors);

/// The type of a factor table's ids, allocated in `context`. A server call.
IdType* factor_id_type(const Model& model, Side side, MemoryContext context);

/// A factor table's ids in SQL, as those of a source whose ids are the same ones, or wider. Empty
/// where they are others.
std::string ids_of_source(const Model& model, Side side, const IdType& source);

/// Checks a vector of a factor table against the model. Throws 2202E, 22004, or 22003 for a number
/// with which scores would not be finite.
VectorView model_vector(Datum factors, const Model& model, Side side);

/// Checks a bias of a factor table; null counts as 0. Throws 22003.
float model_bias(Datum bias, bool is_null, const Model& model, Side side);

}  // namespace als::pg
