// Unpacks chunks and their users.
#include "pg/distribute/trained_users.h"

namespace als::pg {

std::string trained_users_query(const Workspace& tables, const std::string& condition) {
  return "select id, (f).factors, (f).bias, (f).n_ratings, (f).checksum from (select "
         "pg_catalog.unnest(c.ids) as id, als._chunk_factors(c.chunk, u.users, (select "
         "pg_catalog.array_agg(key order by idx) from " +
         tables.items() + ")) as f from " + tables.chunks() + " c join " + tables.users() +
         " u on c.part operator(pg_catalog.=) u.part and c.number operator(pg_catalog.=) "
         "u.number" +
         condition + ") users";
}

}  // namespace als::pg
