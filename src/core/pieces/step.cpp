// Settings and steps from bytes and to bytes.
#include "core/pieces/step.h"

#include <algorithm>
#include <cmath>

#include "core/kernels/kernels.h"
#include "core/pieces/step_head.h"

namespace als {
namespace {

bool within(double value, double most) { return value >= 0 && value <= most; }

/// A matrix or a vector, or nothing.
std::vector<float> read_floats(PieceReader& reader, std::size_t n) {
  if (reader.get<std::uint8_t>() == 0) return {};
  expect(n <= reader.left() / sizeof(float), "a piece is shorter than its contents");
  std::vector<float> values(n);
  reader.get(values.data(), n);
  expect_finite(values.data(), n);
  return values;
}

void put_floats(const std::vector<float>& values, PieceWriter& writer) {
  writer.put(static_cast<std::uint8_t>(values.empty() ? 0 : 1));
  writer.put(values);
}

template <class Entry>
AlignedVector<float> in_blocks(std::size_t n, const Entry& entry) {
  AlignedVector<float> blocks(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      blocks[(c / kBlock * n + r) * kBlock + c % kBlock] = entry(r, c);
    }
  }
  return blocks;
}

}  // namespace

void put_training(const PartsTraining& training, PieceWriter& writer) {
  const TrainOptions& options = training.options;
  writer.put(static_cast<std::uint8_t>(options.feedback));
  writer.put(static_cast<std::uint8_t>(options.biases ? 1 : 0));
  writer.put(static_cast<std::int32_t>(options.factors));
  writer.put(static_cast<std::int32_t>(options.iterations));
  writer.put(options.regularization);
  writer.put(options.bias_regularization);
  writer.put(options.reg_exponent);
  writer.put(options.alpha);
  writer.put(options.tolerance);
  writer.put(options.seed);
  writer.put(training.mean);
  writer.put(training.items);
  writer.put(training.slice_items);
  writer.put(training.users);
  writer.put(training.ratings);
  writer.put(training.zero_loss);
  writer.put(training.greatest_judged_hash);
}

PartsTraining read_training(PieceReader& reader) {
  PartsTraining training;
  TrainOptions& options = training.options;
  const auto feedback = reader.get<std::uint8_t>();
  const auto biases = reader.get<std::uint8_t>();
  options.factors = reader.get<std::int32_t>();
  options.iterations = reader.get<std::int32_t>();
  options.regularization = reader.get<double>();
  options.bias_regularization = reader.get<double>();
  options.reg_exponent = reader.get<double>();
  options.alpha = reader.get<double>();
  options.tolerance = reader.get<double>();
  options.seed = reader.get<std::uint64_t>();
  training.mean = reader.get<double>();
  training.items = reader.get<std::uint32_t>();
  training.slice_items = reader.get<std::uint32_t>();
  training.users = reader.get<std::uint64_t>();
  training.ratings = reader.get<std::uint64_t>();
  training.zero_loss = reader.get<double>();
  training.greatest_judged_hash = reader.get<std::uint64_t>();
  options.feedback = feedback == 0 ? Feedback::kExplicit : Feedback::kImplicit;
  options.biases = biases == 1;
  expect(feedback <= 1 && biases <= 1 && biases + feedback <= 1 && options.factors >= 1 &&
             options.factors <= kMaxFactors && options.iterations >= 1 &&
             options.iterations <= kMaxIterations &&
             within(options.regularization, kMaxRegularization) &&
             within(options.bias_regularization, kMaxRegularization) &&
             within(std::fabs(options.reg_exponent), kMaxRegExponent) &&
             within(options.alpha, kMaxAlpha) && options.tolerance >= 0 &&
             std::fabs(training.mean) <= kMaxBias && training.items > 0 &&
             training.items <= kMaxPartsItems && training.slice_items > 0 &&
             std::isfinite(training.zero_loss),
         "the options of a training over parts are out of range");
  return training;
}

std::uint64_t key_of(const PartsTraining& training) { return checksum(training.bytes()); }

std::uint32_t PartsTraining::slice_size(std::uint32_t slice) const {
  return std::min(slice_items, items - slice * slice_items);
}

Bytes PartsTraining::bytes() const {
  PieceWriter writer(Piece::kTraining);
  put_training(*this, writer);
  return writer.take();
}

PartsTraining PartsTraining::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kTraining);
  PartsTraining training = read_training(reader);
  reader.end();
  return training;
}

Bytes StepHead::bytes() const {
  PieceWriter writer(Piece::kStep, (items_turn.size() + users_turn.size() + gram.size()) * 4 + 512);
  put_training(training, writer);
  writer.put(static_cast<std::uint8_t>(step));
  writer.put(number);
  writer.put(block);
  writer.put(users);
  writer.put(loss_left);
  writer.put(over_relaxation);
  put_floats(items_turn, writer);
  put_floats(users_turn, writer);
  put_floats(eigenvalues, writer);
  put_floats(mean_squares, writer);
  put_floats(gram, writer);
  return writer.take();
}

StepHead StepHead::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kStep);
  StepHead head{};
  head.training = read_training(reader);
  const std::size_t n = head.factors();
  const auto step = reader.get<std::uint8_t>();
  expect(step <= static_cast<std::uint8_t>(Step::kCompare), "an unknown step of a training");
  head.step = static_cast<Step>(step);
  head.number = reader.get<std::uint64_t>();
  head.block = reader.get<std::uint64_t>();
  head.users = reader.get<std::uint64_t>();
  head.loss_left = reader.get<double>();
  head.over_relaxation = reader.get<float>();
  head.items_turn = read_floats(reader, n * n);
  head.users_turn = read_floats(reader, n * n);
  head.eigenvalues = read_floats(reader, n);
  head.mean_squares = read_floats(reader, n);
  head.gram = read_floats(reader, n * n);
  reader.end();
  const bool in_basis = head.step != Step::kFinish;
  const bool implicit = head.training.options.feedback == Feedback::kImplicit;
  expect(head.items_turn.empty() == false && head.users_turn.empty() == false &&
             head.eigenvalues.empty() != in_basis && head.mean_squares.empty() != in_basis &&
             head.gram.empty() != (!in_basis && implicit) && head.loss_left >= 0 &&
             within(head.over_relaxation, 1),
         "a step of a training lacks what it needs");
  return head;
}

Step step_of(ByteView step) { return StepHead::read(step).step; }

AlignedVector<float> transform_of(const std::vector<float>& matrix, std::size_t n) {
  return in_blocks(n, [&](std::size_t r, std::size_t c) { return matrix[r * n + c]; });
}

AlignedVector<float> transposed_transform_of(const std::vector<float>& matrix, std::size_t n) {
  return in_blocks(n, [&](std::size_t r, std::size_t c) { return matrix[c * n + r]; });
}

}  // namespace als
