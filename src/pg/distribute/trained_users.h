// What users have come to, as rows of a model's table.
#pragma once

#include "pg/distribute/workspace.h"

namespace als::pg {

/// A query for id, factors, bias, n_ratings, checksum.
std::string trained_users_query(const Workspace& tables);

}  // namespace als::pg
