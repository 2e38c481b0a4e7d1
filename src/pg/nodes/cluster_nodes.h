// The nodes of a Citus cluster.
#pragma once

#include <cstdint>
#include <string>

namespace als::pg {

/// Those that hold shards or copies, this one among them. Within an SPI connection.
std::int64_t number_of_nodes();

/// Those among which a new distributed table is dealt out. Within an SPI connection.
std::int64_t number_of_shard_nodes();

/// Whether this is the node on which Citus lets tables be made. Within an SPI connection, and where
/// Citus is.
bool is_coordinator();

/// Throws 0A000 where it is not, with the name of that one.
void check_is_coordinator();

/// Throws what check_is_coordinator() does, and unless all nodes answer and have the version of the
/// extension that this one has: 08006 or 55000, with the name of the node. Within an SPI
/// connection.
void check_nodes();

/// Locks tables, which takes all nodes where they are on all: an error about one that does not
/// answer gets a hint. Within an SPI connection.
void lock_tables_on_nodes(const std::string& lock);

}  // namespace als::pg
