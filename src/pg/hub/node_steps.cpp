// Sends blocks to all servers, and collects reports and sums from them.
#include "pg/hub/node_steps.h"

#include "core/parts/piece_sum.h"
#include "pg/hub/node_pieces.h"
#include "pg/hub/sent.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"
#include "pg/steps/kept_block.h"

namespace als::pg {

/// While other servers take a slice in, which for them is to read a long literal, the next is made.
void NodeSteps::gather_block(const Param& step) {
  Nodes& nodes = places_.nodes();
  const SPIPlanPtr block_of_slice =
      prepare("select als._slice_block(state, $1) from " + workspace().slices() +
                  " where slice operator(pg_catalog.=) $2",
              {BYTEAOID, INT4OID});
  std::int64_t bytes = 0;
  SnapshotScope snapshot;
  for (std::uint32_t slice = 0; slice < slices(); ++slice) {
    Bytes piece;
    for_each_row(block_of_slice, {step, int_param(static_cast<int>(slice))}, {BYTEAOID},
                 [&](TupleTableSlot* slot) {
                   if (!slot->tts_isnull[0]) piece = view_of_bytea(slot->tts_values[0]);
                 });
    bytes += static_cast<std::int64_t>(piece.size());
    // A statement each: the server has some ten copies of one at a time. The step has matrices of
    // K x K: once is enough.
    const Param its_step = slice == 0 ? step : Param{BYTEAOID, 0, true};
    nodes.send_to_all("select als._keep_pieces($1, $2)", {BytesParam(piece), its_step});
    if (!places_.here().empty()) keep_pieces(piece, view_of_bytea(step.value), true);
  }
  server([&] { SPI_freeplan(block_of_slice); });
  snapshot.pop();
  nodes.finish();
  block_has(bytes);
}

void NodeSteps::solve_users() {
  Workspace& tables = places_.tables();
  places_.nodes().run(users_statement(tables), {int_param(threads())}, [&] {
    if (!places_.here().empty()) SqlSteps::solve_users();
  });
  tables.users_are_next();
  tables.empty();
}

void NodeSteps::read_user_reports(const TakeReport& take) {
  if (!places_.here().empty()) SqlSteps::read_user_reports(take);
  const std::string reports = "select part, als._encoded(report) from (" +
                              user_reports_query(places_.tables()) + ") reports";
  places_.nodes().fetch(places_.of_all({reports, {}}),
                        "part pg_catalog.int4, report pg_catalog.text",
                        [&](const std::string& from, const ExpectedRows&) {
                          read_reports("select part, als._decoded(report) from " + from,
                                       [&](int part, ByteView report) {
                                         check_sent_bytes([&] { PieceSum().add(report); });
                                         take(part, report);
                                       });
                        });
}

void NodeSteps::gather_sums(std::int64_t bytes) {
  Workspace& tables = places_.tables();
  places_.nodes().run("insert into " + tables.sums() + " " + sums_query(tables),
                      {int_param(threads()), int4_array_param(slice_places())}, [&] {
                        if (!places_.here().empty()) SqlSteps::gather_sums(bytes);
                      });
  const auto pieces = static_cast<std::int64_t>(workspace().parts().size() * slices());
  gather_pieces(places_, workspace(), slices(), bytes / pieces);
}

}  // namespace als::pg
