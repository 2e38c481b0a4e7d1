// The nodes of a Citus cluster.
#pragma once

#include <cstdint>

namespace als::pg {

/// Those that hold shards or copies, this one among them. Within an SPI connection.
std::int64_t number_of_nodes();

/// Throws unless all nodes answer and have the version of the extension that this one has: 08006 or
/// 55000, with the name of the node. Within an SPI connection.
void check_nodes();

}  // namespace als::pg
