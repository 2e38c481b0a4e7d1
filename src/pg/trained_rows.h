// The way of trained factors from the engine's memory into an INSERT ... SELECT.
//
// als.train writes a factor table with one statement over generate_series, in which the functions
// als.trained_id(n), als.trained_factors(n), ... hand out row n. So all of the server's own
// machinery takes part (indexes, triggers, constraints, policies, columns that the user has added),
// nothing is kept twice, and the statement can be interrupted like any other.
#pragma once

#include "core/ratings.h"
#include "core/trainer.h"
#include "pg/id_dictionary.h"

namespace als::pg {

/// One trained side: row r has the id that `ids` keeps under order[r] and row r of the factors.
struct TrainedRows {
  const IdDictionary* ids;
  std::vector<std::uint32_t> order;
  const Factors* factors;
  const CompressedRows* ratings;
};

/// Makes rows the ones that the SQL functions hand out, while it lives.
class TrainedRowsScope {
 public:
  explicit TrainedRowsScope(const TrainedRows* rows);
  ~TrainedRowsScope();
  TrainedRowsScope(const TrainedRowsScope&) = delete;
  TrainedRowsScope& operator=(const TrainedRowsScope&) = delete;

 private:
  const TrainedRows* previous_;
};

}  // namespace als::pg
