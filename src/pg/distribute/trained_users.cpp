// Unpacks chunks and their users.
#include "pg/distribute/trained_users.h"

namespace als::pg {

std::string trained_users_query(const Workspace& tables) {
  return "select id, (f).factors, (f).bias, (f).n_ratings, (f).checksum from (select "
         "pg_catalog.unnest(c.ids) as id, als._unpacked_factors(als._packed_users(c.chunk, "
         "u.users, " +
         tables.item_keys() + ")) as f from " + tables.chunks_with_users() + ") users";
}

}  // namespace als::pg
