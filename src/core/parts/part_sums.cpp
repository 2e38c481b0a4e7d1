// Passes over the chunks of a part, by the kernels of the half-step.
#include "core/parts/part_sums.h"

#include <algorithm>
#include <cmath>

#include "core/base/limits.h"
#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/pieces/rounded_factors.h"
#include "core/pieces/step_head.h"
#include "core/train/cg_row.h"
#include "core/train/row_passes.h"

namespace als {
namespace {

// Ratings in a block of work, as multiply-adds: some milliseconds. And what a row costs beside
// them, in ratings.
constexpr std::size_t kBlockWork = std::size_t{1} << 22;
constexpr std::size_t kPartRowCost = 4;

constexpr std::size_t kRowsAhead = 2;

}  // namespace

struct PartSums::Work {
  const ItemBlock& block;
  std::uint32_t part;
  ThreadTeam& team;
  const Kernels& inner_loops;
  std::uint64_t next_chunk = 0;
  std::uint64_t ratings = 0;
  RowObjective objective;
  std::size_t width;           // floats of a vector in a pass, see CgRow
  AlignedVector<float> sums;   // residuals or products
  std::vector<double> losses;  // see SliceSums
  std::vector<double> second_losses;
  std::vector<double> curvatures;
  DoubleGram gram;

  struct Thread {
    explicit Thread(std::size_t width) : partial_sum(width, 0.0F) {}
    AlignedVector<float> partial_sum;
    PassChunk chunk{};
  };
  std::vector<Thread> threads;

  Work(const ItemBlock& its_block, std::uint32_t its_part, ThreadTeam& its_team)
      : block(its_block),
        part(its_part),
        team(its_team),
        inner_loops(kernels()),
        objective(block.training().options, block.training().mean, 0),
        width(cg_unknowns(block.training().options)),
        threads(static_cast<std::size_t>(team.threads()), Thread(width)) {}

  const ItemBlock::Contents& contents() const { return block.contents(); }

  void prefetch(std::size_t vector) const {
    const float* x = contents().vectors.matrix.row(vector);
    for (std::size_t k = 0; k < contents().vectors.matrix.stride(); k += kBlock) {
      __builtin_prefetch(x + k);
    }
    if (sums.empty()) return;
    for (std::size_t k = 0; k < width; k += kBlock) {
      __builtin_prefetch(sums.data() + vector * width + k, 1);
    }
  }

  void pass(const RowPasses& passes, const CompressedRows& rows, std::size_t row,
            std::size_t vector, const Factors& users, Thread& thread);
  void compare(const RowPasses& passes, const CompressedRows& rows, std::size_t row,
               std::size_t vector, const Factors& users);
};

void PartSums::Work::pass(const RowPasses& passes, const CompressedRows& rows, std::size_t row,
                          std::size_t vector, const Factors& users, Thread& thread) {
  const Factors& vectors = contents().vectors;
  const RowVector x{vectors.matrix.row(vector), vectors.bias_of(vector)};
  const BlockKind kind = contents().kind;
  float* sum = sums_vectors(kind) ? sums.data() + vector * width : nullptr;
  float* partial = thread.partial_sum.data();
  const std::uint64_t row_end = rows.offsets[row + 1];
  for (std::uint64_t begin = rows.offsets[row]; begin < row_end; begin += PassChunk::kSize) {
    const std::uint64_t end = std::min<std::uint64_t>(begin + PassChunk::kSize, row_end);
    if (kind == BlockKind::kLastDirections) {
      curvatures[vector] += passes.curvature(begin, end, users, x, true, thread.chunk);
      continue;
    }
    if (kind == BlockKind::kFactors) {
      passes.add_residual(begin, end, users, x, true, thread.chunk, partial, losses[vector],
                          second_losses[vector]);
    } else {
      passes.subtract_product(begin, end, users, x, true, thread.chunk, partial);
    }
    // What few ratings add up to loses less in a sum of many.
    inner_loops.move_sum(partial, sum, width);
  }
}

void PartSums::Work::compare(const RowPasses& passes, const CompressedRows& rows, std::size_t row,
                             std::size_t vector, const Factors& users) {
  const auto exact_dot = [](const float* a, const float* b, std::size_t n) {
    return dot_in_double(a, b, n);
  };
  std::vector<float> x(block.training().options.unknowns());
  read_row(contents().vectors, vector, x);
  const std::uint64_t begin = rows.offsets[row];
  const std::uint64_t end = rows.offsets[row + 1];
  losses[vector] += passes.fit(begin, end, users, x.data(), exact_dot);
  read_row(contents().second_vectors, vector, x);
  second_losses[vector] += passes.fit(begin, end, users, x.data(), exact_dot);
}

PartSums::PartSums(const ItemBlock& block, std::uint32_t part, ThreadTeam& team) {
  expect(!block.contents().empty(), "a block without slices");
  expect(!block.has_changes(), "a block of changes, which has no vectors");
  work_.reset(new Work(block, part, team));
  const ItemBlock::Contents& contents = work_->contents();
  if (sums_vectors(contents.kind)) work_->sums.assign(contents.rows() * work_->width, 0);
  if (sums_losses(contents.kind)) {
    work_->losses.assign(contents.rows(), 0);
    work_->second_losses.assign(contents.rows(), 0);
  }
  if (contents.kind == BlockKind::kLastDirections) work_->curvatures.assign(contents.rows(), 0);
  if (contents.kind == BlockKind::kCandidates && work_->objective.implicit()) {
    const auto n = static_cast<std::size_t>(contents.training.options.factors);
    work_->gram = DoubleGram(n, std::vector<double>(n * n));
  }
}

PartSums::~PartSums() = default;

void PartSums::add(const ChunkByItem& chunk, const ChunkUsers& users) {
  Work& work = *work_;
  const ItemBlock::Contents& contents = work.contents();
  const ChunkFacts& facts = chunk.facts;
  check_order(facts, work.part, contents.training.items, work.next_chunk);
  users.check(facts, contents.training, contents.users);
  const Factors& factors = users.factors;
  const ItemRows& matrix = chunk.matrix;
  work.ratings += facts.moments.count;

  // Rows that the block has, in runs of some milliseconds.
  struct Row {
    std::size_t row;
    std::size_t vector;
  };
  std::vector<Row> rows;
  std::vector<std::size_t> runs{0};
  const std::size_t run_size = kBlockWork / work.width + 1;
  std::size_t size = 0;
  contents.for_each_common(matrix.items, [&](std::size_t row, std::size_t vector) {
    rows.push_back({row, vector});
    size += matrix.rows.row_size(row) + kPartRowCost;
    if (size >= run_size) {
      runs.push_back(rows.size());
      size = 0;
    }
  });
  if (runs.back() < rows.size()) runs.push_back(rows.size());

  const RowPasses passes(matrix.rows, work.objective);
  work.team.for_each_block(runs.size() - 1, 1, [&](std::size_t run, std::size_t, int thread) {
    for (std::size_t r = runs[run]; r < runs[run + 1]; ++r) {
      // A row has few ratings here: not to wait for memory, it is asked for early.
      if (r + kRowsAhead < rows.size()) work.prefetch(rows[r + kRowsAhead].vector);
      if (contents.kind == BlockKind::kCandidates) {
        work.compare(passes, matrix.rows, rows[r].row, rows[r].vector, factors);
      } else {
        work.pass(passes, matrix.rows, rows[r].row, rows[r].vector, factors,
                  work.threads[static_cast<std::size_t>(thread)]);
      }
    }
  });
  if (contents.kind == BlockKind::kCandidates && work.objective.implicit()) {
    DoubleGram gram;
    gram.sum(factors.matrix.view(), work.team);
    work.gram.add(gram);
  }
}

SliceSums PartSums::of_slice(std::uint32_t slice) const {
  const Work& work = *work_;
  const ItemBlock::Contents& contents = work.contents();
  expect(slice >= contents.first_slice && slice < contents.end_slice,
         "there are no sums of this slice");
  const TrainOptions& options = contents.training.options;
  const std::size_t number = slice - contents.first_slice;
  const std::size_t begin = number == 0 ? 0 : contents.ends[number - 1];
  const std::size_t end = contents.ends[number];
  const auto part_of = [&](const auto& all, std::size_t width) {
    using Values = std::decay_t<decltype(all)>;
    if (all.empty()) return Values();
    const auto at = [&](std::size_t row) {
      return all.begin() + static_cast<std::ptrdiff_t>(row * width);
    };
    if (!std::all_of(at(begin), at(end), [](auto value) { return std::isfinite(value); }))
      throw_ratings_too_large();
    return Values(at(begin), at(end));
  };
  SliceSums sums{};
  sums.training = key_of(contents.training);
  sums.block = contents.number;
  sums.kind = contents.kind;
  sums.slice = slice;
  sums.first_part = sums.last_part = work.part;
  sums.ratings = work.ratings;
  sums.rows = static_cast<std::uint32_t>(end - begin);
  sums.biases = options.biases;
  sums.losses = part_of(work.losses, 1);
  sums.second_losses = part_of(work.second_losses, 1);
  sums.curvatures = part_of(work.curvatures, 1);
  sums.gram = work.gram;
  FactorMatrix& matrix = sums.vectors.matrix;
  matrix = FactorMatrix::uninitialized(work.sums.empty() ? 0 : end - begin,
                                       static_cast<std::size_t>(options.factors));
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    const float* sum = work.sums.data() + (begin + row) * work.width;
    std::fill(std::copy_n(sum, matrix.cols(), matrix.row(row)), matrix.row(row + 1), 0.0F);
    if (options.biases) sums.vectors.bias.push_back(sum[matrix.stride()]);
  }
  // Also where they stay on this machine, so that bits do not depend on that.
  sums.columns = round_factors(sums.vectors);
  return sums;
}

Bytes PartSums::bytes() const {
  const ItemBlock::Contents& contents = work_->contents();
  Bytes pieces;
  for (std::uint32_t slice = contents.first_slice; slice < contents.end_slice; ++slice)
    pieces += of_slice(slice).bytes();
  return pieces;
}

}  // namespace als
