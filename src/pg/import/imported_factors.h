// Factors from elsewhere, out of a table or query of the user's.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/ids/id_dictionary.h"
#include "pg/model/model.h"
#include "pg/server/progress.h"

namespace als::pg {

/// A table, view or query whose columns are an id, a vector and, where there are three, a bias.
class FactorQuery {
 public:
  /// Needs an SPI connection. Throws 42804 unless it has two or three columns.
  FactorQuery(const std::string& text, Side side);

  Side side() const { return side_; }
  bool has_bias() const { return has_bias_; }
  const std::string& text() const { return query_; }  ///< id, vector and, if it has one, bias
  Oid id_type() const { return id_type_; }
  Oid id_collation() const { return id_collation_; }
  Oid vector_type() const { return vector_type_; }  ///< float4[] or float8[]

 private:
  Side side_;
  std::string query_;
  bool has_bias_ = false;
  Oid id_type_ = InvalidOid;
  Oid id_collation_ = InvalidOid;
  Oid vector_type_ = InvalidOid;
};

/// Holds what a FactorQuery returns: row r has the r-th id of ids(), which are distinct.
class ImportedFactors {
 public:
  /// Reads everything under the active snapshot, as the caller, within an SPI connection; ids
  /// become of `type`. `biases`: whether to hold a bias for each row, 0 where the query has none.
  /// Throws 22004 for a null, 22003 for a number that is not finite or too large, 2202E for vectors
  /// of several lengths, 23505 for an id that stands twice, P0002 where there are no rows, 53400 if
  /// they take more than als.max_memory. `progress` is told the rows read.
  ImportedFactors(const FactorQuery& query, const IdType& type, bool biases, Progress& progress);

  const IdDictionary& ids() const { return ids_; }
  const Factors& factors() const { return factors_; }
  int length() const { return static_cast<int>(factors_.matrix.cols()); }

 private:
  void add(TupleTableSlot* slot, Datum id);
  void read_vector(Datum array, const char* id);
  [[noreturn]] void refuse(int sqlstate, const std::string& problem, const char* hint) const;

  const FactorQuery& query_;
  const IdType& type_;
  const bool biases_;
  IdDictionary ids_;
  Factors factors_;
  std::vector<float> vector_;
};

}  // namespace als::pg
