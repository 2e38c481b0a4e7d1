// Pieces of slices on their way from other servers.
#pragma once

#include "pg/hub/node_places.h"

namespace als::pg {

/// Takes the rows of sums() of all nodes over into that of the workspace, one by one for each node,
/// and empties those.
void gather_pieces(NodePlaces& places, const Workspace& workspace, std::uint32_t slices);

}  // namespace als::pg
