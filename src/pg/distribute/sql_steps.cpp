// Moves bytes between the tables of a training: the items' vectors to the chunks of all parts, what
// these come to back to the slices.
#include "pg/distribute/sql_steps.h"

#include "pg/distribute/bytea_bytes.h"
#include "pg/sql/params.h"

namespace als::pg {

Bytes fetch_bytes(const std::string& sql, const std::vector<Param>& params) {
  const std::uint64_t rows = execute(sql, params);
  Bytes bytes;
  if (rows > 0) {
    bool is_null = true;
    bytea* value = server([&] {
      const Datum datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
      return is_null ? nullptr : DatumGetByteaPP(datum);
    });
    if (!is_null) bytes.assign(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
  }
  server([] { SPI_freetuptable(SPI_tuptable); });
  return bytes;
}

BytesParam::BytesParam(ByteView bytes) : value_(bytea_datum(bytes)) {}
BytesParam::~BytesParam() { pfree(DatumGetPointer(value_)); }

Bytes SqlSteps::reports() const {
  return fetch_bytes(
      "select pg_catalog.string_agg(als._slice_report(state), '' order by slice) from " +
      workspace_.slices());
}

Bytes SqlSteps::user_reports(const Workspace& workspace) {
  return fetch_bytes(
      "select als._sum_user_reports(report order by part) from (select part, "
      "als._sum_user_reports(report) as "
      "report from (select part, als._user_report(users) as report from " +
      workspace.users() + " order by part, number) chunks group by part) parts");
}

/// Gathers the items' vectors for a step. A step that goes with them is sent once to each machine,
/// not once to each shard.
void SqlSteps::gather_block(const Param& step, bool with_step) {
  workspace_.empty(workspace_.block());
  execute("insert into " + workspace_.block() + " select " +
              (with_step ? "$1" : "null::pg_catalog.bytea") +
              ", pg_catalog.string_agg(als._slice_block(state, $1), '' order by slice) from " +
              workspace_.slices(),
          {step});
}

/// A lateral item of a FROM clause: the slices of a part. It depends on the part, so that what the
/// part has for all of them, which is large, is neither stored nor read again for each.
std::string for_each_slice(const char* last) {
  return format(
      "lateral pg_catalog.generate_series(0, %s operator(pg_catalog.+) (0 "
      "operator(pg_catalog.*) part)) as slice",
      last);
}

/// The block as a scalar: detoasted once, not for every chunk.
std::string SqlSteps::block() const {
  return "(select block operator(pg_catalog.||) ''::pg_catalog.bytea from " + workspace_.block() +
         ")";
}

/// The chunks c, each with its users u.
std::string SqlSteps::chunks_with_users() const {
  return workspace_.chunks() + " c join " + workspace_.users() +
         " u on c.part operator(pg_catalog.=) u.part and c.number operator(pg_catalog.=) u.number";
}

Bytes SqlSteps::step_users(const Bytes& step) {
  const BytesParam param(step);
  execute("insert into " + workspace_.next_slices() +
              " select slice, als._turn_slice(state, $1) from " + workspace_.slices(),
          {param});
  workspace_.slices_are_next();
  gather_block(param, true);
  execute("insert into " + workspace_.next_users() +
              " select c.part, c.number, als._step_users((select step from " + workspace_.block() +
              "), " + block() + ", c.chunk, u.users, $1) from " + chunks_with_users(),
          {int_param(threads_)});
  workspace_.users_are_next();
  return user_reports(workspace_);
}

Bytes SqlSteps::step_items(const Bytes& step) {
  const BytesParam param(step);
  // The first pass of a half-step goes over the vectors that the users had in theirs.
  if (step_of(step) != Step::kResidual) gather_block(param, false);
  execute("insert into " + workspace_.sums() +
              " select slice, part, als._piece(pieces, slice) from (select part, als._part_sums(" +
              block() +
              ", part, chunk, users, $1) as pieces from (select c.part, c.chunk, u.users from " +
              chunks_with_users() +
              " order by c.part, c.number) chunks group by part) parts cross join " +
              for_each_slice("$2"),
          {int_param(threads_), int_param(static_cast<int>(slices_) - 1)});
  execute("insert into " + workspace_.next_slices() +
              " select s.slice, als._step_slice(s.state, $1, p.sum) from " + workspace_.slices() +
              " s join (select slice, als._sum_pieces(piece) as sum from (select slice, piece "
              "from " +
              workspace_.sums() +
              " order by slice, part) pieces group by slice) p on s.slice "
              "operator(pg_catalog.=) p.slice",
          {param});
  workspace_.slices_are_next();
  workspace_.empty(workspace_.sums());
  return reports();
}

}  // namespace als::pg
