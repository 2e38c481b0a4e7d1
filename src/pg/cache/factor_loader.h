// From a factor table to a segment of it.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/ids/id_dictionary.h"
#include "pg/model/factor_table.h"
#include "pg/server/memory_context.h"

namespace als::pg {

/// Holds all rows of a factor table, in the order of their ids.
class FactorLoader {
 public:
  /// Reads the table under the active snapshot, as the caller, within an SPI connection. Throws
  /// 2202E or 22004 for a vector that does not fit the model, 23505 for an id that stands twice.
  FactorLoader(const Model& model, Side side);
  FactorLoader(const FactorLoader&) = delete;
  FactorLoader& operator=(const FactorLoader&) = delete;

  std::size_t size() const { return matrix_.rows(); }

  /// The segment, as LoadedFactors takes it, aligned to cache lines.
  std::size_t bytes() const;
  void write(char* segment) const;

 private:
  OwnedMemoryContext context_;
  IdType* type_;
  IdDictionary ids_;
  FactorMatrix matrix_;
  std::vector<float> bias_;
  std::vector<std::int32_t> n_ratings_;
  std::vector<float> popularity_;
};

}  // namespace als::pg
