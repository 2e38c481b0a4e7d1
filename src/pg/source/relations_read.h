// Which relations are locked by whoever reads a source.
#pragma once

#include "pg/server/relation_lock.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// The locks that statements take as they read these sources: also those of the relations in a
/// query, or below a view. (Not those of the parts of a table: who wants all of it comes to itself
/// first.) Waits for those of a query and of a view, but keeps none, and ends the Progress of a
/// command. A source that cannot be read has none: who reads it is told. Needs an SPI connection.
std::vector<RelationLock> relations_read(const std::vector<RatingSource>& sources);

}  // namespace als::pg
