// The table in which als.evaluate leaves what it has measured of each user.
#pragma once

#include "pg/evaluate/evaluation.h"
#include "pg/server/target_table.h"

namespace als::pg {

/// A table (user_id, metric, k, value, baseline), made here. All calls need an SPI connection.
class PerUserTable {
 public:
  /// Makes it for users of this type. Throws 42P07 if there is such a relation already.
  PerUserTable(const std::string& name, const IdType& user_type);

  /// Has Citus distribute it with the users of a model.
  void spread(const Model& model) const;

  /// Adds the rows of a query for its columns.
  void append(const std::string& query) const;

  /// Adds the metrics that these users of the evaluation have.
  void append(const Evaluation& evaluation, const std::vector<UserResult>& users);

 private:
  std::string table_;  // qualified
};

}  // namespace als::pg
