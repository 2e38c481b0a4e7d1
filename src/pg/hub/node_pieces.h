// Pieces of slices on their way from other servers.
#pragma once

#include "pg/hub/node_places.h"

namespace als::pg {

/// Takes the rows of sums() of all nodes over into that of the workspace, and empties those.
/// piece_bytes: about as many as one has.
void gather_pieces(NodePlaces& places, const Workspace& workspace, std::uint32_t slices,
                   std::int64_t piece_bytes);

}  // namespace als::pg
