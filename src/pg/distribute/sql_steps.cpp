// Moves bytes between the tables of a training: the items' vectors to the chunks of all parts, what
// these come to back to the slices.
#include "pg/distribute/sql_steps.h"

#include <map>

#include "core/parts/piece_sum.h"
#include "core/pieces/rounded_factors.h"
#include "pg/distribute/packing_statements.h"
#include "pg/sql/params.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

namespace {

// From machine to machine an engine that spreads tables writes files, and begins a session for each
// pair of machines and statement. No more bytes than this come through the session of the training
// at less cost: it reads the rows of a query with a limit itself, and sends them on.
constexpr std::int64_t kBytesThroughHere = 16 << 20;

std::string limit_of(std::int64_t bytes, std::size_t rows) {
  return bytes <= kBytesThroughHere ? " limit " + std::to_string(rows) : "";
}

}  // namespace

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

std::string SqlSteps::users_statement(const Workspace& tables) {
  return "insert into " + tables.next_users() +
         " select c.part, c.number, als._step_users(c.chunk, u.users, $1) from " +
         tables.chunks_with_users();
}

std::string SqlSteps::user_reports_query(const Workspace& tables) {
  return "select part, als._sum_user_reports(report) as report from (select part, "
         "als._user_report(users) as report from " +
         tables.users() + " order by part, number) chunks group by part";
}

std::string SqlSteps::sums_query(const Workspace& tables) {
  return pieces_query(
      "select part, als._part_sums(part, chunk, users, $1) as pieces from (select "
      "c.part, c.chunk, u.users from " +
      tables.chunks_with_users() + " order by c.part, c.number) chunks group by part");
}

/// Each machine sends its slices to one part on each of the others.
void SqlSteps::gather_block(const Param& step) {
  block_bytes_ = fetch_number(
      "select coalesce(pg_catalog.sum(als._keep_slice(state, $1)), 0)::pg_catalog.int8 from " +
          workspace_.slices(),
      {step});
  const Workspace::Ways& ways = workspace_.ways();
  if (ways.from.empty()) return;
  execute("insert into " + workspace_.block() +
              " select way.part, s.slice, als._slice_block(s.state, $1) from " +
              workspace_.slices() +
              " s join rows from (pg_catalog.unnest($2), pg_catalog.unnest($3)) as way(place, "
              "part) on s.place operator(pg_catalog.=) way.place" +
              limit_of(machines_ * block_bytes_, ways.from.size() * slices_),
          {step, int4_array_param(ways.from), int4_array_param(ways.to)});
  execute("select pg_catalog.count(als._keep_pieces(piece, $1)) from " + workspace_.block(),
          {step});
  workspace_.done_with(workspace_.block());
}

void SqlSteps::solve_users() {
  execute(users_statement(workspace_), {int_param(threads_)});
  workspace_.users_are_next();
}

void SqlSteps::read_user_reports(const TakeReport& take) {
  read_reports(user_reports_query(workspace_), take);
}

void SqlSteps::read_reports(const std::string& query, const TakeReport& take) {
  for_each_current_row(query, {INT4OID, BYTEAOID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[1]) return take(DatumGetInt32(slot->tts_values[0]), {});  // of no part
    take(DatumGetInt32(slot->tts_values[0]), view_of_bytea(slot->tts_values[1]));
  });
}

void SqlSteps::gather_sums(std::int64_t bytes) {
  std::string query = sums_query(workspace_);
  if (workspace_.distributed()) query += limit_of(bytes, workspace_.parts().size() * slices_);
  execute("insert into " + workspace_.sums() + " " + query,
          {int_param(threads_), int4_array_param(slice_places())});
}

/// The sum of what read(take) reads, in the order of the parts.
template <class Read>
Bytes SqlSteps::summed(Read&& read) {
  std::map<int, Bytes> reports;
  read([&](int part, ByteView report) { reports[part] = report; });
  PieceSum sum;
  for (const auto& [part, report] : reports) sum.add(report);
  return sum.bytes();
}

Bytes SqlSteps::user_reports(const Workspace& workspace) {
  return summed([&](const TakeReport& take) { read_reports(user_reports_query(workspace), take); });
}

/// About how many all parts send: of each item that the block has a vector, or two numbers.
std::int64_t SqlSteps::bytes_of_sums(const StepHead& head) const {
  const PartsTraining& training = head.training;
  const auto parts = static_cast<std::int64_t>(workspace_.parts().size());
  if (head.step == Step::kProduct) return parts * block_bytes_;
  const std::size_t numbers = 2 * sizeof(double) * training.items;
  const std::size_t vectors =
      head.step == Step::kResidual ? rounded_factor_bytes(training.items, training.options) : 0;
  return parts * static_cast<std::int64_t>(numbers + vectors);
}

Bytes SqlSteps::step_users(const Bytes& step) {
  const BytesParam param(step);
  execute("insert into " + workspace_.next_slices() +
              " select place, slice, als._turn_slice(state, $1) from " + workspace_.slices(),
          {param});
  workspace_.slices_are_next();
  gather_block(param);
  progress_.more_bytes_moved(machines_ * block_bytes_);
  solve_users();
  Bytes reports = summed([&](const TakeReport& take) { read_user_reports(take); });
  workspace_.empty();
  return reports;
}

Bytes SqlSteps::step_items(const Bytes& step) {
  const BytesParam param(step);
  const StepHead head = StepHead::read(step);
  // The first pass of a half-step goes over the vectors that the users had in theirs.
  if (head.step != Step::kResidual) {
    gather_block(param);
    progress_.more_bytes_moved(machines_ * block_bytes_);
  }
  const std::int64_t bytes = bytes_of_sums(head);
  gather_sums(bytes);
  progress_.more_bytes_moved(bytes);
  execute("insert into " + workspace_.next_slices() +
              " select s.place, s.slice, als._step_slice(s.state, $1, p.sum) from " +
              workspace_.slices() +
              " s join (select place, slice, als._sum_pieces(piece) as sum from (select place, "
              "slice, piece from " +
              workspace_.sums() +
              " order by place, slice, part) pieces group by place, slice) p on s.place "
              "operator(pg_catalog.=) p.place and s.slice operator(pg_catalog.=) p.slice",
          {param});
  workspace_.slices_are_next();
  workspace_.done_with(workspace_.sums());
  workspace_.empty();
  return reports();
}

}  // namespace als::pg
