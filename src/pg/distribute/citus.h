// Tables that Citus has spread over machines.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// How the rows of a source are spread.
struct SourceSpread {
  Oid table = InvalidOid;   ///< of its tables the one that Citus has distributed
  std::int64_t shards = 0;  ///< of the source, if that is this table, by user
  bool is_distributed() const { return OidIsValid(table); }
};

/// Throws 0A000 for a table that is distributed by another column than that of its users. Within an
/// SPI connection.
SourceSpread spread_of(const DescribedSource& source);

/// The qualified name of a table as an argument of a function of Citus.
std::string name_argument(const std::string& table);

/// So many values of an integer column by which `table` is distributed, one in each of its shards
/// and, as these are, in ascending order; and a number for the machine that the shard lies on.
struct ShardValue {
  int value;
  int machine;
};
std::vector<ShardValue> value_in_each_shard(const std::string& table, int shards);

}  // namespace als::pg
