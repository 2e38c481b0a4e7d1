// Half-steps of the items of a slice, from sums over all parts.
#include "core/parts/item_slice.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/parts/slice_state.h"
#include "core/parts/slice_step.h"
#include "core/parts/totals.h"
#include "core/pieces/factor_bytes.h"
#include "core/pieces/step_head.h"
#include "core/train/initial_factors.h"
#include "core/train/row_objective.h"

namespace als {
namespace {

/// The step that is next for a slice.
StepHead read_step(const SliceState& state, ByteView step) {
  StepHead head = StepHead::read(step);
  expect(state.training == head.training, "a slice of another training");
  return head;
}

Bytes new_slice(const PartsTraining& training, std::uint32_t slice, ByteView totals,
                Factors factors, ThreadTeam& team) {
  expect(slice < training.slices(), "a slice of items that are not there");
  const SliceTotals known = SliceTotals::read(totals);
  const std::size_t n = training.slice_size(slice);
  expect(known.slice == slice && known.ratings.size() == n && factors.matrix.rows() == n,
         "a slice and its totals or factors are of different items");
  SliceState state{};
  state.training = training;
  state.slice = slice;
  state.report.slice = slice;
  const RowObjective objective(training.options, training.mean, training.users);
  for (std::size_t row = 0; row < n; ++row) {
    state.counts.push_back(static_cast<std::uint32_t>(known.ratings[row].n));
    state.weights.push_back(static_cast<float>(known.weights[row]));
    const Ridge ridge = objective.ridge(known.weights[row]);
    state.ridges.push_back(ridge.others);
    if (training.options.biases) state.bias_ridges.push_back(ridge.last);
  }
  state.factors = std::move(factors);
  come_to_rest(state, team);
  return state.bytes();
}

}  // namespace

Bytes make_slice(const PartsTraining& training, std::uint32_t slice, ByteView totals,
                 const std::vector<std::uint64_t>& keys, double spread, ThreadTeam& team) {
  // Before memory is taken for their factors.
  expect(slice < training.slices() && keys.size() == training.slice_size(slice),
         "a slice and its keys are of different items");
  check_fits(keys.size(), training.options);
  return new_slice(training, slice, totals, initial_factors(keys, training.options, spread, team),
                   team);
}

Bytes make_slice(const PartsTraining& training, std::uint32_t slice, ByteView totals,
                 const Factors& factors, ThreadTeam& team) {
  expect(factors.matrix.cols() == static_cast<std::size_t>(training.options.factors) &&
             factors.bias.size() == (training.options.biases ? factors.matrix.rows() : 0),
         "a slice and its factors are of different lengths");
  return new_slice(training, slice, totals, factors, team);
}

Bytes turn_slice(ByteView slice, ByteView step, ThreadTeam& team) {
  SliceState state = SliceState::read(slice);
  turn_slice(state, step, team);
  return state.bytes();
}

void turn_slice(SliceState& state, ByteView step, ThreadTeam& team) {
  const StepHead head = read_step(state, step);
  expect(head.step == Step::kUsers || head.step == Step::kFinish, "not a step of the users");
  expect(state.report.number + 1 == head.number && state.report.at_rest(),
         "a slice of another step of the training");
  transform(state.factors.matrix, transform_of(head.items_turn, head.factors()), team);
  if (state.sent) state.lengths.assign(state.size(), {});
  state.sent = true;
  state.report.number = head.number;
}

Bytes slice_block(ByteView slice, ByteView step, ThreadTeam& team) {
  return slice_block(SliceState::read(slice), step, team);
}

Bytes slice_block(const SliceState& state, ByteView step, ThreadTeam& team) {
  const StepHead head = read_step(state, step);
  const bool of_users = head.step == Step::kUsers || head.step == Step::kFinish;
  expect(state.report.number + (of_users ? 0 : 1) == head.number,
         "a slice of another step of the training");
  BlockPiece piece{};
  piece.number = head.block;
  piece.users = of_users ? head.number : head.users;
  piece.slice = state.slice;
  piece.kind = kind_of(head.step);
  if (piece.kind == BlockKind::kFactors) {
    expect(state.report.at_rest(), "a slice of another step of the training");
    piece.changes = !state.lengths.empty();
    if (piece.changes) {
      piece.rows = state.unrated();
      piece.lengths = state.lengths;
      piece.vectors.matrix = FactorMatrix(0, head.factors());
    } else {
      piece.vectors = state.factors;
    }
  } else if (piece.kind != BlockKind::kCandidates) {
    piece.rows = state.rows_of(head.step);
    if (piece.rows.empty()) {
      // A slice at rest has no directions.
      piece.vectors.matrix = FactorMatrix(0, head.factors());
      piece.columns = round_factors(piece.vectors);
    } else {
      piece.vectors = rows_of(state.rows.direction, piece.rows);
      piece.columns = state.rows.direction_columns;
    }
  } else {
    piece.rows = state.rows_of(head.step);
    piece.vectors = rows_of(state.factors, piece.rows);
    piece.second_vectors = for_users(state.rows.x, piece.rows, head, team);
  }
  return piece.bytes(state.training);
}

Bytes step_slice(ByteView slice, ByteView step, ByteView sums, ThreadTeam& team) {
  SliceState state = SliceState::read(slice);
  step_slice(state, step, SliceSums::read(sums), team);
  return state.bytes();
}

void step_slice(SliceState& state, ByteView step, SliceSums&& all, ThreadTeam& team) {
  const StepHead head = read_step(state, step);
  expect(head.step != Step::kUsers && head.step != Step::kFinish, "not a step of the items");
  expect(state.report.number + 1 == head.number, "a slice of another step of the training");
  expect(
      all.training == key_of(state.training) && all.block == head.block && all.slice == state.slice,
      "the sums of another slice or step of the training");
  expect(all.ratings == state.training.ratings,
         "the sums of a slice lack chunks: other ratings are in them than in the training");
  state.report.number = head.number;
  SliceStep(state, head, team).run(std::move(all));
}

Bytes report_of_slice(ByteView slice) {
  const PieceFacts report = take_piece(slice);
  expect(report.piece == Piece::kSliceReport, "not a slice of a training over parts");
  return Bytes(report.bytes);
}

}  // namespace als
