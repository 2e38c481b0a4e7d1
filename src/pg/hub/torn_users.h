// Users who have rows in more than one partition.
#pragma once

#include "pg/hub/node_places.h"

namespace als::pg {

/// Throws 23505, with a user's id and the servers, if one is in the chunks of two parts: to the
/// training he would be two users. Of enums, whose keys differ from server to server, such users
/// show only when the model is written.
void check_users_are_whole(NodePlaces& places, Workspace& workspace);

}  // namespace als::pg
