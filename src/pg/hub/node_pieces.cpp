// Results are text: in base64 a third more than the bytes. They are in memory twice while they are
// read, so each is of few slices.
#include "pg/hub/node_pieces.h"

#include "pg/sql/params.h"

namespace als::pg {

namespace {

// Megabytes. Of one slice alone, half of the time would be that of statements.
constexpr int kSlicesOfResult = 4;

}  // namespace

void gather_pieces(NodePlaces& places, const Workspace& workspace, std::uint32_t slices) {
  Workspace& tables = places.tables();
  const std::string query = "select place, slice, part, als._encoded(piece) from " + tables.sums() +
                            " where part operator(pg_catalog.=) $1 and slice "
                            "operator(pg_catalog./) $2 operator(pg_catalog.=) $3";
  places.gather(places.of_parts([&](int part, std::vector<NodeStatement>& of_node) {
    for (int n = 0; n * kSlicesOfResult < static_cast<int>(slices); ++n)
      of_node.push_back(
          {query,
           {int_param(part), int_param(kSlicesOfResult), int_param(n)},
           expected_of(part,
                       format("slice operator(pg_catalog./) %d operator(pg_catalog.=) %d",
                              kSlicesOfResult, n),
                       "rows of another part or slice")});
  }),
                "place pg_catalog.int4, slice pg_catalog.int4, part pg_catalog.int4, piece "
                "pg_catalog.text",
                "place, slice, part, als._sent_piece(piece, slice, part)", workspace.sums());
  tables.done_with(tables.sums());
  tables.empty();
}

}  // namespace als::pg
