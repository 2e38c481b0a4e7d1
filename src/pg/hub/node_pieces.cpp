// Results are text: in base64 a third more than the bytes.
#include "pg/hub/node_pieces.h"

#include "pg/sql/params.h"

namespace als::pg {

void gather_pieces(NodePlaces& places, const Workspace& workspace) {
  Workspace& tables = places.tables();
  const std::string query = "select place, slice, part, als._encoded(piece) from " + tables.sums() +
                            " where part operator(pg_catalog.=) $1";
  places.gather(places.of_parts([&](int part, std::vector<NodeStatement>& of_node) {
    of_node.push_back({query, {int_param(part)}, expected_of(part)});
  }),
                "place pg_catalog.int4, slice pg_catalog.int4, part pg_catalog.int4, piece "
                "pg_catalog.text",
                "place, slice, part, als._sent_piece(piece, slice, part)", workspace.sums());
  tables.done_with(tables.sums());
  tables.empty();
}

}  // namespace als::pg
