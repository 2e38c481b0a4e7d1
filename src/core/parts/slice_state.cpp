// Slices and what they report, from bytes and to bytes.
#include "core/parts/slice_state.h"

#include <algorithm>
#include <cmath>

#include "core/pieces/factor_bytes.h"
#include "core/pieces/step_head.h"
#include "core/train/cg_row.h"

namespace als {
namespace {

void put_rows(const SliceRows& rows, PieceWriter& writer) {
  put_factors(rows.x, writer);
  put_factors(rows.residual, writer);
  const bool stepped = rows.product_direction.matrix.rows() > 0;
  writer.put(static_cast<std::uint8_t>(stepped ? 1 : 0));
  if (stepped) put_rounded_factors(rows.product_direction, rows.product_columns, writer);
  put_rounded_factors(rows.direction, rows.direction_columns, writer);
  writer.put(rows.lengths);
  writer.put(rows.lowered);
  writer.put(rows.loss);
  writer.put(rows.targets);
}

SliceRows read_rows(PieceReader& reader, std::size_t n, const TrainOptions& options) {
  SliceRows rows;
  rows.x = read_factors(reader, n, options);
  rows.residual = read_factors(reader, n, options);
  if (reader.get<std::uint8_t>() != 0) {
    RoundedFactors first = read_rounded_factors(reader, n, options);
    rows.product_direction = std::move(first.factors);
    rows.product_columns = std::move(first.columns);
  }
  RoundedFactors direction = read_rounded_factors(reader, n, options);
  rows.direction = std::move(direction.factors);
  rows.direction_columns = std::move(direction.columns);
  rows.lengths = read_lengths(reader, n);
  for (const StepLengths& length : rows.lengths)
    expect(length.product == 0 || rows.product_direction.matrix.rows() > 0,
           "a slice has gone along directions that it has not got");
  for (std::vector<double>* values : {&rows.lowered, &rows.loss, &rows.targets}) {
    values->resize(n);
    reader.get(values->data(), n);
    expect_finite(values->data(), n);
  }
  return rows;
}

}  // namespace

Bytes SliceReport::bytes(const PartsTraining& training) const {
  PieceWriter writer(Piece::kSliceReport, 0, slice);
  writer.put(key_of(training));
  writer.put(number);
  writer.put(active);
  writer.put(doubts);
  writer.put(fit);
  writer.put(ridge);
  writer.put(bias_ridge);
  writer.put(refined_rows);
  if (at_rest()) sums.put(writer);
  return writer.take();
}

SliceReport SliceReport::read(ByteView& pieces, const PartsTraining& training) {
  PieceReader reader(pieces, Piece::kSliceReport);
  expect(reader.get<std::uint64_t>() == key_of(training), "the report of another training's slice");
  SliceReport report;
  report.slice = reader.slice();
  report.number = reader.get<std::uint64_t>();
  report.active = reader.get<std::uint64_t>();
  report.doubts = reader.get<std::uint64_t>();
  report.fit = reader.get<double>();
  report.ridge = reader.get<double>();
  report.bias_ridge = reader.get<double>();
  report.refined_rows = reader.get<std::uint64_t>();
  expect(report.slice < training.slices() && report.active <= training.items &&
             report.doubts <= training.items && std::isfinite(report.fit) &&
             std::isfinite(report.ridge) && std::isfinite(report.bias_ridge),
         "the report of a slice is out of range");
  if (report.at_rest()) {
    report.sums = SideSums::read(reader, static_cast<std::size_t>(training.options.factors),
                                 training.options.feedback == Feedback::kImplicit);
  }
  reader.end();
  return report;
}

std::vector<std::uint32_t> SliceState::unrated() const {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < counts.size(); ++row) {
    if (counts[row] == 0) rows.push_back(static_cast<std::uint32_t>(row));
  }
  return rows;
}

std::vector<std::uint32_t> SliceState::marked() const {
  std::vector<std::uint32_t> rows;
  for (std::size_t row = 0; row < marks.size(); ++row) {
    if (marks[row] != 0) rows.push_back(static_cast<std::uint32_t>(row));
  }
  return rows;
}

std::vector<std::uint32_t> SliceState::rows_of(Step step) const {
  if ((step == Step::kCompare ? report.doubts : report.active) == 0) return {};
  std::vector<std::uint32_t> rows = marked();
  if (step != Step::kProduct) return rows;
  const auto waits = [&](std::uint32_t row) {
    return cg_steps(training.options, counts[row]) == 1;
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), waits), rows.end());
  return rows;
}

Bytes SliceState::bytes() const {
  const std::size_t vectors = report.at_rest() ? 1 : 4;
  PieceWriter writer(Piece::kSlice,
                     vectors * factor_bytes(size(), training.options) + size() * 64 + 512, slice);
  put_training(training, writer);
  writer.put(counts);
  writer.put(weights);
  writer.put(ridges);
  writer.put(bias_ridges);
  put_factors(factors, writer);
  if (!report.at_rest()) {
    put_rows(rows, writer);
    writer.put(marks);
  } else {
    writer.put(static_cast<std::uint8_t>(sent ? 1 : 0));
    writer.put(static_cast<std::uint8_t>(lengths.empty() ? 0 : 1));
    writer.put(lengths);
  }
  // The report comes first, to be read without the rest.
  return report.bytes(training) + writer.take();
}

SliceState SliceState::read(ByteView bytes) {
  ByteView report = take_piece(bytes).bytes;
  PieceReader reader(bytes, Piece::kSlice);
  SliceState state{};
  state.training = read_training(reader);
  const TrainOptions& options = state.training.options;
  state.slice = reader.slice();
  expect(state.slice < state.training.slices(), "a slice of items that are not there");
  state.report = SliceReport::read(report, state.training);
  expect(state.report.slice == state.slice, "a slice has the report of another");
  const std::size_t n = state.training.slice_size(state.slice);
  state.counts = reader.get_all<std::uint32_t>(n);
  state.weights = reader.get_all<float>(n);
  state.ridges = reader.get_all<float>(n);
  if (options.biases) state.bias_ridges = reader.get_all<float>(n);
  for (const auto* values : {&state.weights, &state.ridges, &state.bias_ridges}) {
    expect_finite(values->data(), values->size());
    for (const float value : *values) expect(value >= 0, "a slice has a negative weight");
  }
  state.factors = read_factors(reader, n, options);
  if (!state.report.at_rest()) {
    state.rows = read_rows(reader, n, options);
    state.marks = reader.get_all<std::uint8_t>(n);
  } else {
    state.sent = reader.get<std::uint8_t>() != 0;
    if (reader.get<std::uint8_t>() != 0) state.lengths = read_lengths(reader, n);
  }
  reader.end();
  expect(bytes.empty(), "a slice with something behind it");
  return state;
}

}  // namespace als
