// Lays normal equations out in memory, adds ratings to them, and solves them.
#include "core/fold_in/flat_equations.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/linalg/cholesky_solver.h"
#include "core/linalg/term_accumulator.h"

namespace als {
namespace {

// "alse"; other bytes where they are in another order.
constexpr std::uint32_t kMagic = 0x616c7365;

// Vectors that wait for the kernel. More would take too much memory where there are many rows.
constexpr std::size_t kWaiting = 16;

bool is_biased(FlatEquations::Kind kind) { return kind == FlatEquations::Kind::kBiased; }

std::size_t unknowns_of(const FlatEquations::Shape& shape) {
  return shape.factors + (is_biased(shape.kind) ? 1 : 0);
}

std::size_t sums_size(const FlatEquations::Shape& shape) {
  return matrix_floats(unknowns_of(shape)) + blocks_of(unknowns_of(shape)) * kBlock;
}

/// A vector that waits, its rating and its bias.
std::size_t waiting_size(const FlatEquations::Shape& shape) { return shape.factors + 2; }

bool is_valid(const FlatEquations::Shape& shape) {
  return shape.kind <= FlatEquations::Kind::kGram && shape.factors >= 1 &&
         shape.factors <= kMaxFactors && shape.alpha >= 0 && shape.alpha <= kMaxAlpha;
}

}  // namespace

std::size_t FlatEquations::bytes(const Shape& shape) {
  return sizeof(Header) + (sums_size(shape) + kWaiting * waiting_size(shape)) * sizeof(float);
}

FlatEquations::FlatEquations(const Shape& shape, void* memory) : FlatEquations(memory) {
  std::memset(memory, 0, bytes(shape));
  write({kMagic, 0, shape, 0, 0});
}

std::optional<FlatEquations> FlatEquations::open(void* memory, std::size_t size) {
  if (size < sizeof(Header)) return std::nullopt;
  FlatEquations equations(memory);
  const Header header = equations.header();
  if (header.magic != kMagic || !is_valid(header.shape) || size != bytes(header.shape) ||
      header.waiting > kWaiting || !(header.rows >= header.waiting) ||
      !std::isfinite(header.rows) || !(header.weight >= 0) || !std::isfinite(header.weight))
    return std::nullopt;
  return equations;
}

TrainOptions FlatEquations::options_of(const Shape& shape) {
  TrainOptions options;
  options.feedback = shape.kind == Kind::kImplicit ? Feedback::kImplicit : Feedback::kExplicit;
  options.factors = static_cast<int>(shape.factors);
  options.alpha = shape.alpha;
  options.biases = is_biased(shape.kind);
  return options;
}

FlatEquations::Header FlatEquations::header() const {
  Header header;
  std::memcpy(&header, memory_, sizeof(header));
  return header;
}

void FlatEquations::write(const Header& header) { std::memcpy(memory_, &header, sizeof(header)); }

float* FlatEquations::sums() const { return reinterpret_cast<float*>(memory_ + sizeof(Header)); }

float* FlatEquations::waiting_at(std::size_t place) const {
  return sums() + sums_size(shape()) + place * waiting_size(shape());
}

NormalEquations FlatEquations::read_sums() const {
  NormalEquations equations(unknowns());
  std::copy_n(sums(), equations.size(), equations.data());
  return equations;
}

void FlatEquations::add(const float* vector, float rating, float bias) {
  if (header().waiting == kWaiting) flush();
  Header now = header();
  float* place = std::copy_n(vector, now.shape.factors, waiting_at(now.waiting));
  place[0] = rating;
  place[1] = bias;
  ++now.waiting;
  ++now.rows;
  write(now);
}

/// Adds what waits to the sums.
void FlatEquations::flush() {
  Header now = header();
  if (now.waiting == 0) return;
  const RowObjective objective(options_of(now.shape), 0, 0);
  FactorMatrix vectors(now.waiting, now.shape.factors);
  float ratings[kWaiting];
  float biases[kWaiting];
  std::uint32_t columns[kWaiting];
  std::iota(columns, columns + now.waiting, 0);
  for (std::uint32_t i = 0; i < now.waiting; ++i) {
    const float* place = waiting_at(i);
    std::copy_n(place, now.shape.factors, vectors.row(i));
    ratings[i] = place[now.shape.factors];
    biases[i] = place[now.shape.factors + 1];
  }
  NormalEquations equations = read_sums();
  TermAccumulator terms(now.shape.factors, is_biased(now.shape.kind));
  if (now.shape.kind == Kind::kGram) {
    for (std::uint32_t i = 0; i < now.waiting; ++i) terms.add(vectors.row(i), 1, 0, equations);
  } else {
    const RowRatings row{columns, ratings, now.waiting};
    objective.add_terms(row, {vectors.view(), is_biased(now.shape.kind) ? biases : nullptr}, terms,
                        equations);
    now.weight += objective.weight(row);
  }
  terms.flush(equations);
  std::copy_n(equations.data(), equations.size(), sums());
  now.waiting = 0;
  write(now);
}

void FlatEquations::add(FlatEquations& other) {
  flush();
  other.flush();
  const float* others = other.sums();
  float* own = sums();
  for (std::size_t i = 0; i < sums_size(shape()); ++i) own[i] += others[i];
  Header now = header();
  now.rows += other.header().rows;
  now.weight += other.header().weight;
  write(now);
}

std::vector<float> FlatEquations::solve(const TrainOptions& ridge, FlatEquations* gram) {
  flush();
  TrainOptions options = options_of(shape());
  options.regularization = ridge.regularization;
  options.bias_regularization = ridge.bias_regularization;
  options.reg_exponent = ridge.reg_exponent;
  NormalEquations equations = read_sums();
  double others = 0;
  if (gram != nullptr) {
    gram->flush();
    equations.add(gram->read_sums());
    others = gram->rows();
  }
  const RowObjective objective(options, 0, static_cast<std::size_t>(others));
  std::vector<float> x(unknowns(), 0.0F);
  CholeskySolver(unknowns(), static_cast<std::size_t>(options.factors))
      .solve(equations, objective.ridge(header().weight), x.data());
  return x;
}

}  // namespace als
