// The items' side: totals, slices, and the sums that slices get.

#include "core/base/unused_memory.h"
#include "core/parts/item_slice.h"
#include "core/parts/piece_sum.h"
#include "core/train/initial_factors.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_block.h"
#include "pg/steps/kept_chunks.h"
#include "pg/steps/kept_slices.h"
#include "pg/steps/kept_sums.h"
#include "pg/steps/kept_to_end.h"
#include "pg/steps/known_factors.h"
#include "pg/steps/stored_chunk.h"

namespace als::pg {

namespace {

struct TeamOfSlices {
  std::unique_ptr<ThreadTeam> team;
};

/// One for all slices of a transaction: to start its threads takes as long as a slice's step.
ThreadTeam& team_of_slices() {
  std::unique_ptr<ThreadTeam>& team = kept_to_end<TeamOfSlices>().team;
  const int threads = default_threads();
  if (team == nullptr || team->threads() != threads)
    team = std::make_unique<ThreadTeam>(interruptible_team(threads));
  return *team;
}

/// A slice that begins with the numbers that are drawn for these keys, but for those of its items
/// that are known.
Bytes make_first_slice(FunctionCallInfo fcinfo) {
  const PartsTraining training = PartsTraining::read(bytes_arg(fcinfo, 0, "training"));
  const std::uint32_t slice = number_arg(fcinfo, 1, "slice");
  const ByteView totals = bytes_arg(fcinfo, 2, "totals");
  const std::vector<std::uint64_t> keys = keys_arg(fcinfo, 3);
  const double spread = float_arg(fcinfo, 4, "spread", 0, 1e300);
  ThreadTeam& team = team_of_slices();
  if (PG_ARGISNULL(5)) return make_slice(training, slice, totals, keys, spread, team);
  if (slice >= training.slices() || keys.size() != training.slice_size(slice))
    throw InvalidBytes("a slice and its keys are of different items");
  Factors factors = initial_factors(keys, training.options, spread, team);
  put_known(bytes_arg(fcinfo, 5, "known"), factors);
  return make_slice(training, slice, totals, factors, team);
}

/// Adds the piece that the second argument is, called `name`, to what the aggregate has gathered.
Datum add_piece(FunctionCallInfo fcinfo, const char* name) {
  PG_RETURN_POINTER(guard_bytes([&] {
    PieceSum* sum = AggregateState<PieceSum>::of_or_made(
        fcinfo, [](MemoryContext context) { return keep_in<PieceSum>(context); });
    const ByteView piece = bytes_arg(fcinfo, 1, name);
    if (std::optional<SliceSums> kept = take_sums(piece))
      sum->add(std::move(*kept));
    else
      sum->add(piece);
    return sum;
  }));
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_to_totals)
ALS_SQL_FUNCTION(als_totals_bytes)
ALS_SQL_FUNCTION(als_piece)
ALS_SQL_FUNCTION(als_add_piece)
ALS_SQL_FUNCTION(als_add_report)
ALS_SQL_FUNCTION(als_pieces_sum)
ALS_SQL_FUNCTION(als_make_slice)
ALS_SQL_FUNCTION(als_turn_slice)
ALS_SQL_FUNCTION(als_slice_block)
ALS_SQL_FUNCTION(als_keep_slice)
ALS_SQL_FUNCTION(als_keep_pieces)
ALS_SQL_FUNCTION(als_step_slice)
ALS_SQL_FUNCTION(als_slice_report)

/// als._add_to_totals(state internal, training bytea, part int, chunk bytea): internal
Datum als_add_to_totals(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_POINTER(guard_bytes([&] {
    als::PartTotals* totals =
        AggregateState<als::PartTotals>::of_or_made(fcinfo, [&](MemoryContext context) {
          // Of packing, which is over.
          als::give_back_unused_memory();
          return keep_in<als::PartTotals>(
              context, als::PartsTraining::read(bytes_arg(fcinfo, 1, "training")),
              number_arg(fcinfo, 2, "part"));
        });
    const StoredChunk chunk(fcinfo, 3);
    totals->add(*unpacked_by_item(chunk), chunk.user_keys());
    return totals;
  }));
}

/// als._totals_bytes(state internal): bytea
Datum als_totals_bytes(PG_FUNCTION_ARGS) {
  return als::pg::AggregateState<als::PartTotals>::result(fcinfo);
}

/// als._piece(pieces bytea, slice int): bytea
Datum als_piece(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    return piece_of(bytes_arg(fcinfo, 0, "pieces"), number_arg(fcinfo, 1, "slice"));
  });
}

/// als._add_piece(state internal, piece bytea): internal
Datum als_add_piece(PG_FUNCTION_ARGS) { return als::pg::add_piece(fcinfo, "piece"); }

/// als._add_report(state internal, report bytea): internal
Datum als_add_report(PG_FUNCTION_ARGS) { return als::pg::add_piece(fcinfo, "report"); }

/// als._pieces_sum(state internal): bytea; of als._add_piece and als._add_report
Datum als_pieces_sum(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  return guard_bytes([&] {
    als::PieceSum& sum = *AggregateState<als::PieceSum>::of(fcinfo);
    if (std::optional<als::SliceSums> sums = sum.take_sums()) return store_sums(std::move(*sums));
    return bytea_datum(sum.bytes());
  });
}

/// als._make_slice(training bytea, slice int, totals bytea, keys bigint[], spread float8, known
/// bytea): bytea
Datum als_make_slice(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] { return bytea_datum(make_first_slice(fcinfo)); });
}

/// als._turn_slice(slice bytea, step bytea): bytea
Datum als_turn_slice(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    als::ThreadTeam& team = team_of_slices();
    std::unique_ptr<als::SliceState> slice = SliceArg(fcinfo, 0).take();
    als::turn_slice(*slice, bytes_arg(fcinfo, 1, "step"), team);
    return store_slice(std::move(slice));
  });
}

/// als._slice_block(slice bytea, step bytea): bytea
Datum als_slice_block(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    als::ThreadTeam& team = team_of_slices();
    return bytea_datum(
        als::slice_block(SliceArg(fcinfo, 0).state(), bytes_arg(fcinfo, 1, "step"), team));
  });
}

/// als._keep_slice(slice bytea, step bytea): bigint, the bytes of its piece of the block, which the
/// session keeps
Datum als_keep_slice(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    als::ThreadTeam& team = team_of_slices();
    const als::ByteView step = bytes_arg(fcinfo, 1, "step");
    const als::Bytes piece = als::slice_block(SliceArg(fcinfo, 0).state(), step, team);
    keep_pieces(piece, step, true);
    return Int64GetDatum(static_cast<int64>(piece.size()));
  });
}

/// als._keep_pieces(pieces bytea, step bytea): bigint, their bytes; they are pieces of the block of
/// the step; without one, of the block that was begun last
Datum als_keep_pieces(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    const als::ByteView pieces = bytes_arg(fcinfo, 0, "pieces");
    std::optional<als::ByteView> step;
    if (!PG_ARGISNULL(1)) step = bytes_arg(fcinfo, 1, "step");
    keep_pieces(pieces, step, false);
    return Int64GetDatum(static_cast<int64>(pieces.size()));
  });
}

/// als._step_slice(slice bytea, step bytea, sums bytea): bytea
Datum als_step_slice(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_step(fcinfo, [&] {
    als::ThreadTeam& team = team_of_slices();
    std::unique_ptr<als::SliceState> slice = SliceArg(fcinfo, 0).take();
    als::ByteView sums = bytes_arg(fcinfo, 2, "sums");
    std::optional<als::SliceSums> kept = take_sums(sums);
    als::step_slice(*slice, bytes_arg(fcinfo, 1, "step"),
                    kept ? std::move(*kept) : als::SliceSums::read(sums), team);
    return store_slice(std::move(slice));
  });
}

/// als._slice_report(slice bytea): bytea
Datum als_slice_report(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes(
      [&] { return bytea_datum(als::report_of_slice(bytes_arg(fcinfo, 0, "slice"))); });
}
