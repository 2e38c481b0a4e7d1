// Tables that Citus has spread over machines.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// How the rows of a source are spread.
struct SourceSpread {
  bool distributed = false;  ///< by Citus
  int shards = 1;
};

/// Throws 0A000 for a table that is distributed by another column than that of its users. Within an
/// SPI connection.
SourceSpread spread_of(const DescribedSource& source);

/// While they last, the server compiles no expressions: what takes time here is in functions, and
/// the tables of a training have no statistics by which it could tell. Where a source is
/// distributed, statements take one connection to each machine, as those must that read what others
/// of their transaction have written: Citus would spread them over several. Each uses the threads
/// of its machine. Like a snapshot they are left to the server after an error.
class StatementSettings {
 public:
  explicit StatementSettings(bool distributed);
  void end();

 private:
  int level_ = 0;
};

/// So many values of an integer column by which `table` is distributed, one in each of its shards,
/// in ascending order.
std::vector<int> value_in_each_shard(const std::string& table, int shards);

}  // namespace als::pg
