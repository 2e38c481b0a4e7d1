// Which rows of a source lie on which server.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// A partition of a source; or all of it, where the source is a foreign table itself.
struct SourcePartition {
  Oid server;            ///< of postgres_fdw; InvalidOid: the partition is here
  DescribedSource rows;  ///< for statements on that server: a query over the table that is there
};

/// The partitions of a source, in the order of their bounds, if some are foreign tables of
/// postgres_fdw; none if the source is anything else. They hold each user whole. Throws 0A000
/// for partitions that do not, or that are not supported. Within an SPI connection.
std::vector<SourcePartition> foreign_partitions(const DescribedSource& source);

}  // namespace als::pg
