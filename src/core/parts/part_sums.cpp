// Passes over the chunks of a part, by the kernels of the half-step.
#include "core/parts/part_sums.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/products.h"
#include "core/parts/block_contents.h"
#include "core/train/cg_row.h"
#include "core/train/row_passes.h"

namespace als {
namespace {

// Ratings in a block of work, as multiply-adds: some milliseconds. And what a row costs beside
// them, in ratings.
constexpr std::size_t kBlockWork = std::size_t{1} << 22;
constexpr std::size_t kPartRowCost = 4;

constexpr std::size_t kRowsAhead = 2;

/// A vector of the block, with its bias behind it if there are biases.
const float* vector_of(const Factors& vectors, std::size_t row, AlignedVector<float>& room) {
  if (vectors.bias.empty()) return vectors.matrix.row(row);
  const std::size_t stride = vectors.matrix.stride();
  std::copy_n(vectors.matrix.row(row), stride, room.data());
  room[stride] = vectors.bias[row];
  return room.data();
}

}  // namespace

struct PartSums::Work {
  ItemBlock block;
  std::uint32_t part;
  ThreadTeam& team;
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
    explicit Thread(std::size_t width) : x(width, 0.0F), partial_sum(width, 0.0F) {}
    AlignedVector<float> x;
    AlignedVector<float> partial_sum;
    PassChunk chunk{};
  };
  std::vector<Thread> threads;

  Work(ItemBlock its_block, std::uint32_t its_part, ThreadTeam& its_team)
      : block(std::move(its_block)),
        part(its_part),
        team(its_team),
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
  const float* x = vector_of(contents().vectors, vector, thread.x);
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
    for (std::size_t k = 0; k < width; ++k) {
      sum[k] += partial[k];
      partial[k] = 0.0F;
    }
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

PartSums::PartSums(ItemBlock block, std::uint32_t part, ThreadTeam& team) {
  expect(!block.contents().empty(), "a block without slices");
  work_.reset(new Work(std::move(block), part, team));
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

Bytes PartSums::bytes() const {
  const Work& work = *work_;
  const auto finite = [](const auto& values) {
    return std::all_of(values.begin(), values.end(),
                       [](auto value) { return std::isfinite(value); });
  };
  if (!finite(work.sums) || !finite(work.losses) || !finite(work.second_losses) ||
      !finite(work.curvatures)) {
    throw std::range_error("the ratings are too large for factors in single precision");
  }
  const ItemBlock::Contents& contents = work.contents();
  const TrainOptions& options = contents.training.options;
  const auto factors = static_cast<std::size_t>(options.factors);
  Bytes pieces;
  pieces.reserve(factor_bytes(contents.rows(), options) + work.losses.size() * 2 * sizeof(double) +
                 work.curvatures.size() * sizeof(double) +
                 contents.ends.size() * (work.gram.entries().size() * sizeof(double) + 256));
  std::size_t begin = 0;
  for (std::uint32_t s = contents.first_slice; s < contents.end_slice; ++s) {
    const std::size_t end = contents.ends[s - contents.first_slice];
    SliceSums sums{};
    sums.training = contents.key;
    sums.block = contents.number;
    sums.kind = contents.kind;
    sums.slice = s;
    sums.first_part = sums.last_part = work.part;
    sums.ratings = work.ratings;
    sums.rows = static_cast<std::uint32_t>(end - begin);
    sums.biases = options.biases;
    sums.vectors.matrix = FactorMatrix(work.sums.empty() ? 0 : end - begin, factors);
    for (std::size_t row = 0; row < sums.vectors.matrix.rows(); ++row) {
      const float* sum = work.sums.data() + (begin + row) * work.width;
      std::copy_n(sum, factors, sums.vectors.matrix.row(row));
      if (options.biases) sums.vectors.bias.push_back(sum[sums.vectors.matrix.stride()]);
    }
    const auto piece_of = [&](const std::vector<double>& all) {
      return all.empty() ? all
                         : std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                               all.begin() + static_cast<std::ptrdiff_t>(end));
    };
    sums.losses = piece_of(work.losses);
    sums.second_losses = piece_of(work.second_losses);
    sums.curvatures = piece_of(work.curvatures);
    sums.gram = work.gram;
    pieces += sums.bytes();
    begin = end;
  }
  return pieces;
}

}  // namespace als
