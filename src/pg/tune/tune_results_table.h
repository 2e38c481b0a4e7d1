// The table in which als.tune keeps what came of its trials.
#pragma once

#include "pg/server/target_table.h"
#include "pg/sql/spi.h"

namespace als::pg {

/// What a trial has to tell.
struct TuneResult {
  int trial;
  int rank;
  double value;  ///< NaN: none
  int iterations;
  double seconds;
  std::string options;  ///< JSON
};

/// A table (run, tuned_at, source, metric, trial, rank, value, iterations, seconds, options):
/// found, or made. All calls need an SPI connection.
class TuneResults {
 public:
  explicit TuneResults(const std::string& name) : target_table_(name) {}

  /// Before the work: makes the table if it is missing, and fails if it could not be appended to:
  /// with what check_takes() and check_sees_all_rows() throw.
  void prepare();

  /// Adds a run, numbered after those in the table.
  void append(const std::string& source, const std::string& metric,
              const std::vector<TuneResult>& results);

 private:
  void create();

  TargetTable target_table_;
};

}  // namespace als::pg
