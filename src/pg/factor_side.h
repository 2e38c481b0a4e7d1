// One side of a model in this backend's memory, ready to score.
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

/// All rows of a factor table. Index order is id order, so that ties broken by the lower index are
/// ties broken by id.
class FactorSide {
 public:
  /// Reads the factor table under the active snapshot, as the caller, within an SPI connection.
  /// Throws 2202E or 22004 for a vector that does not fit the model, 23505 for an id that stands
  /// twice.
  FactorSide(const Model& model, Side side);
  FactorSide(const FactorSide&) = delete;
  FactorSide& operator=(const FactorSide&) = delete;

  const IdType& type() const { return *type_; }
  const IdDictionary& ids() const { return ids_; }
  std::size_t size() const { return ids_.size(); }
  const FactorMatrix& matrix() const { return matrix_; }
  const std::vector<float>& bias() const { return bias_; }  ///< 0 where null
  FactorView view() const { return {matrix_.row(0), matrix_.stride(), bias_.data()}; }
  const std::vector<std::int32_t>& n_ratings() const { return n_ratings_; }
  const std::vector<float>& norms() const { return norms_; }  ///< |row|

 private:
  OwnedMemoryContext context_;
  IdType* type_;
  IdDictionary ids_;
  FactorMatrix matrix_;
  std::vector<float> bias_;
  std::vector<std::int32_t> n_ratings_;
  std::vector<float> norms_;
};

/// The type of a factor table's ids, allocated in `context`. A server call.
IdType* factor_id_type(const Model& model, Side side, MemoryContext context);

/// Checks a vector of a factor table against the model. Throws 2202E or 22004.
VectorView model_vector(Datum factors, const Model& model, Side side);

}  // namespace als::pg
