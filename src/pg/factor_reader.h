// From a factor table to an image of it.
#pragma once

#include "core/factor_matrix.h"
#include "pg/id_dictionary.h"
#include "pg/memory_context.h"
#include "pg/model.h"
#include "pg/vector.h"

namespace als::pg {

/// The columns of a factor table beside the id. The casts cost nothing and hold where a user has
/// changed a column's type.
inline constexpr const char* kFactorColumns =
    "factors::pg_catalog.float4[], bias::pg_catalog.float4, n_ratings::pg_catalog.int4";

/// Holds all rows of a factor table, in the order of their ids.
class FactorReader {
 public:
  /// Reads the table under the active snapshot, as the caller, within an SPI connection. Throws
  /// 2202E or 22004 for a vector that does not fit the model, 23505 for an id that stands twice.
  FactorReader(const Model& model, Side side);
  FactorReader(const FactorReader&) = delete;
  FactorReader& operator=(const FactorReader&) = delete;

  /// The image, as FactorSide takes it, aligned to cache lines.
  std::size_t bytes() const;
  void write(char* image) const;

 private:
  OwnedMemoryContext context_;
  IdType* type_;
  IdDictionary ids_;
  FactorMatrix matrix_;
  std::vector<float> bias_;
  std::vector<std::int32_t> n_ratings_;
};

/// The type of a factor table's ids, allocated in `context`. A server call.
IdType* factor_id_type(const Model& model, Side side, MemoryContext context);

/// Checks a vector of a factor table against the model. Throws 2202E or 22004.
VectorView model_vector(Datum factors, const Model& model, Side side);

}  // namespace als::pg
