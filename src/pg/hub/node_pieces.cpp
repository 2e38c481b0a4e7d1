// Results are text: in base64 a third more than the bytes. They are in memory twice while they are
// read, so each is of few slices.
#include "pg/hub/node_pieces.h"

#include "pg/sql/params.h"

namespace als::pg {

namespace {

// Of a result, about. Where pieces are small, half of the time would be that of statements.
constexpr std::int64_t kResultBytes = 1 << 20;

}  // namespace

void gather_pieces(NodePlaces& places, const Workspace& workspace, std::uint32_t slices,
                   std::int64_t piece_bytes) {
  Workspace& tables = places.tables();
  const std::string query = "select place, slice, part, als._encoded(piece) from " + tables.sums() +
                            " where part operator(pg_catalog.=) $1 and slice "
                            "operator(pg_catalog.>=) $2 and slice operator(pg_catalog.<) $3";
  const auto all = static_cast<int>(slices);
  const auto at_once = static_cast<int>(
      std::clamp<std::int64_t>(kResultBytes / std::max<std::int64_t>(piece_bytes, 1), 1, all));
  places.gather(places.of_parts([&](int part, std::vector<NodeStatement>& of_node) {
    for (int begin = 0; begin < all; begin += at_once) {
      const int end = std::min(all - begin, at_once) + begin;
      of_node.push_back(
          {query,
           {int_param(part), int_param(begin), int_param(end)},
           expected_of(
               part,
               format("slice operator(pg_catalog.>=) %d and slice operator(pg_catalog.<) %d", begin,
                      end),
               "rows of another part or slice")});
    }
  }),
                "place pg_catalog.int4, slice pg_catalog.int4, part pg_catalog.int4, piece "
                "pg_catalog.text",
                "place, slice, part, als._sent_piece(piece, slice, part)", workspace.sums());
  tables.done_with(tables.sums());
  tables.empty();
}

}  // namespace als::pg
