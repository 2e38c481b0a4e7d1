// The keys of all users meet here, 8 bytes each; of those that come twice, the ids.
#include "pg/hub/torn_users.h"

namespace als::pg {

namespace {

/// Of those who are in two parts, and whoever shares their keys.
std::string users_query(const Workspace& workspace, const std::string& keys) {
  return "select id, part from (select pg_catalog.unnest(ids) as id, part from " +
         workspace.chunks() + ") users where als._id_key(id) operator(pg_catalog.=) any ('" + keys +
         "'::pg_catalog._int8)";
}

}  // namespace

void check_users_are_whole(NodePlaces& places, Workspace& workspace) {
  constexpr const char* kFew = "1000";
  places.find_everywhere(
      [](const Workspace& of) {
        return "select pg_catalog.array_agg(als._id_key(id)) from (select part, number, "
               "pg_catalog.unnest(ids) as id from " +
               of.chunks() + ") users group by part, number";
      },
      {"keys pg_catalog._int8", {"keys"}}, workspace);
  execute("select pg_catalog.array_agg(key) from (select pg_catalog.unnest(keys) as key from " +
          workspace.found() +
          " group by 1 having pg_catalog.count(*) operator(pg_catalog.>) 1 limit " + kFew +
          ") twice");
  const std::string keys = take_first_row().at(0);
  if (keys.empty()) return;
  places.find_everywhere([&](const Workspace& of) { return users_query(of, keys); },
                         {"id " + workspace.id_type(Side::kUsers) + ", part pg_catalog.int4"},
                         workspace);
  execute("select id, pg_catalog.min(part), pg_catalog.max(part) from " + workspace.found() +
          " group by id having pg_catalog.count(*) operator(pg_catalog.>) 1 order by id limit 1");
  const std::vector<std::string> torn = take_first_row();
  if (torn.empty()) return;
  const std::string first = places.server_of(std::stoi(torn[1]));
  const std::string second = places.server_of(std::stoi(torn[2]));
  throw UserError(
      ERRCODE_UNIQUE_VIOLATION,
      "user " + torn[0] + " has rows " +
          (first == second ? "in two partitions on " + first : "on " + first + " and on " + second),
      "Move or delete the rows that lie outside the bounds of their partition, or train with "
      "distributed => false.");
}

}  // namespace als::pg
