// Pieces of slices on their way from other servers.
#pragma once

#include "pg/hub/node_places.h"

namespace als::pg {

/// Takes the rows of sums() of all nodes over into that of the workspace, part by part, so that no
/// more than those of a part for each node are on their way, and empties those.
void gather_pieces(NodePlaces& places, const Workspace& workspace);

}  // namespace als::pg
