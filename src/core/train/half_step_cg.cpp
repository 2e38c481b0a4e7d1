// The half-step by conjugate gradients.
//
// Ratings of a row need not be summed to an n x n matrix A, which takes n^2 / 2 multiply-adds each:
// a product with A takes 2 n of them (Takacs, Pilaszy and Tikk 2011),
//
//   A p = Y^T Y p + sum over ratings of (w - 1) (y . p) y + ridge p    for implicit feedback,
//   A p = sum over ratings of w (z . p) z + ridge p                    for explicit feedback.
//
// A pass makes one such product. The last step needs no residual after it, so that its length, for
// which p^T A p is enough, takes half a pass. Where a row's vectors and all others fit a
// processor's cache, its passes follow each other. Otherwise long rows are taken many at a time: a
// pass goes through the other side's vectors tile by tile, each of which serves all those rows
// while it is in the cache, instead of coming from memory again for each of them.

#include <algorithm>
#include <cmath>

#include "core/train/half_step.h"

namespace als {
namespace {

// Multiply-adds in a block of work: some tenths of a millisecond, so that a hundred thousand
// ratings are work for several threads; and of a row, the longest bearable. A batch may have more,
// as it can be left in the middle.
constexpr std::size_t kBlockWork = std::size_t{1} << 21;
constexpr std::size_t kLongestWork = std::size_t{1} << 29;

// In a batch, at least: the more rows share a tile, the better.
constexpr std::size_t kBatchWork = std::size_t{1} << 25;

// Batches for each thread, at least, which keep all of them busy to the end.
constexpr std::uint64_t kBatchesPerThread = 4;

// What a row costs beside its ratings, in ratings.
constexpr std::size_t kPassRowCost = 8;

// The fixed side's vectors stay in the last-level cache by themselves if they take no more.
constexpr std::size_t kCachedBytes = std::size_t{1} << 24;

// Of a tile, and of what a batch of rows needs in a pass: parts of the second-level cache.
constexpr std::size_t kTileBytes = std::size_t{1} << 18;
constexpr std::size_t kBatchBytes = std::size_t{1} << 17;

// Rows with ratings for at least this part of the other side go into batches: a vector of a tile
// then serves several rows.
constexpr std::size_t kBatchedPart = 64;

// A row's vectors stay in the second-level cache from one pass to the next if they take no more.
constexpr std::size_t kKeptBytes = std::size_t{1} << 19;

std::size_t padded(int factors) { return blocks_of(static_cast<std::size_t>(factors)) * kBlock; }

/// Multiply-adds that a rating takes in a half-step: two in each pass, and one in the last.
std::size_t rating_work(int factors) { return padded(factors) * (2 * kCgSteps + 1); }

bool fits_the_cache(std::size_t others, int factors) {
  return others * padded(factors) * sizeof(float) <= kCachedBytes;
}

std::size_t tile_rows(int factors) { return kTileBytes / (padded(factors) * sizeof(float)); }

}  // namespace

std::size_t cg_batch_rows(const TrainOptions& options) {
  return std::max<std::size_t>(kBatchBytes / (2 * padded(options.factors) * sizeof(float)), 1);
}

std::size_t cg_tile_sizes(const TrainOptions& options, std::size_t others) {
  if (fits_the_cache(others, options.factors)) return 0;
  return cg_batch_rows(options) * ((others - 1) / tile_rows(options.factors) + 1);
}

/// The bits do not depend on which rows share a batch. The more there are, the more rows share a
/// tile; the more batches there are, the more threads can share them.
void HalfStep::plan_batches(int threads) {
  const std::size_t rating = rating_work(options().factors);
  const std::uint64_t longest = kLongestWork / rating;
  const std::uint64_t batched =
      fits_the_cache(others_, options().factors) ? longest : others_ / kBatchedPart;
  cg_ = make_plan(std::min(longest, batched), kPassRowCost, kBlockWork / rating + 1);
  for (const std::size_t row : cg_.long_rows) {
    (rows_.row_size(row) > longest ? huge_rows_ : batched_rows_).push_back(row);
  }
  // Rows of similar length side by side, the longest first, which keep threads busy to the end.
  std::sort(batched_rows_.begin(), batched_rows_.end(), [&](std::size_t a, std::size_t b) {
    const std::uint64_t size_of_a = rows_.row_size(a);
    const std::uint64_t size_of_b = rows_.row_size(b);
    return size_of_a > size_of_b || (size_of_a == size_of_b && a < b);
  });
  std::uint64_t ratings = 0;
  for (const std::size_t row : batched_rows_) ratings += rows_.row_size(row);
  const std::uint64_t most = std::max(
      ratings / (kBatchesPerThread * static_cast<std::uint64_t>(threads)), kBatchWork / rating);
  const std::size_t rows_at_most = cg_batch_rows(options());
  batches_.push_back(0);
  std::uint64_t size = 0;
  for (std::size_t place = 0; place < batched_rows_.size(); ++place) {
    const std::uint64_t row_size = rows_.row_size(batched_rows_[place]);
    if (size > 0 && (size + row_size > most || place - batches_.back() == rows_at_most)) {
      batches_.push_back(place);
      size = 0;
    }
    size += row_size;
  }
  if (!batched_rows_.empty()) batches_.push_back(batched_rows_.size());
}

/// Calls pass(row, end) for the row's ratings up to number `stop`, a chunk at a time, and
/// add_up(row) whenever a chunk or so is in the partial sum.
template <class Pass, class AddUp>
void HalfStep::pass_over_row(CgRow& row, std::uint64_t stop, const Pass& pass,
                             const AddUp& add_up) const {
  const std::uint64_t row_end = rows_.offsets[row.row + 1];
  while (row.next < stop) {
    const std::uint64_t end = std::min<std::uint64_t>(row.next + PassChunk::kSize, stop);
    pass(row, end);
    row.summed += end - row.next;
    row.next = end;
    if (row.summed >= PassChunk::kSize || end == row_end) {
      add_up(row);
      row.summed = 0;
    }
  }
}

/// The same for all ratings of the batch's first n rows that are active, a tile of the fixed side's
/// vectors at a time. The first of the passes over the same rows finds out how many ratings each
/// has in which tile. It may be left between two tiles.
template <class Pass, class AddUp>
void HalfStep::pass_over(RowWorkspace& worker, const Batch& batch, bool first, const Factors& fixed,
                         const Pass& pass, const AddUp& add_up) const {
  const std::size_t n = batch.n;
  const std::size_t tile = batch.tile;
  const std::size_t all = fixed.matrix.rows();
  const std::uint32_t* columns = rows_.columns.data();
  for (std::size_t r = 0; r < n; ++r) {
    CgRow& row = worker.batch[r];
    row.next = rows_.offsets[row.row];
    row.summed = 0;
    if (tile < all) continue;
    batch.may_leave();
    if (row.active) pass_over_row(row, rows_.offsets[row.row + 1], pass, add_up);
  }
  if (tile >= all) return;
  std::uint16_t* size = worker.tile_sizes.data();
  for (std::size_t begin = 0; begin < all; begin += tile) {
    batch.may_leave();
    const std::size_t tile_end = std::min(begin + tile, all);
    // The next tile comes while this one is worked on, a share with each row.
    const std::size_t next_end = std::min(tile_end + tile, all);
    const std::size_t share = (next_end - tile_end + n - 1) / n;
    std::size_t fetched = tile_end;
    for (std::size_t r = 0; r < n; ++r, ++size) {
      for (const std::size_t stop = std::min(fetched + share, next_end); fetched < stop;
           ++fetched) {
        for (std::size_t k = 0; k < fixed.matrix.stride(); k += kBlock) {
          __builtin_prefetch(fixed.matrix.row(fetched) + k, 0, 2);
        }
      }
      CgRow& row = worker.batch[r];
      if (!row.active) continue;
      if (first) {
        // Columns ascend, each one once.
        const std::uint32_t* next = columns + row.next;
        const std::uint64_t most =
            std::min<std::uint64_t>(tile, rows_.offsets[row.row + 1] - row.next);
        *size = static_cast<std::uint16_t>(std::lower_bound(next, next + most, tile_end) - next);
      }
      pass_over_row(row, row.next + *size, pass, add_up);
    }
  }
}

/// Steps of conjugate gradients, each a pass over the ratings, as long as a row takes part.
void HalfStep::take_steps(const Batch& batch, const Factors& fixed, const CgEquations& equations,
                          RowWorkspace& worker) const {
  const std::size_t n = batch.n;
  const bool fetch =
      batch.tile >= fixed.matrix.rows() &&
      rows_.row_size(batch.rows[0]) * fixed.matrix.stride() * sizeof(float) > kKeptBytes;
  for (int step = 1; step <= kCgSteps; ++step) {
    bool any = false;
    for (std::size_t r = 0; r < n; ++r) {
      CgRow& row = worker.batch[r];
      row.active = step <= row.steps && CgEquations::is_active(row);
      any = any || row.active;
    }
    if (!any) break;
    pass_over(
        worker, batch, false, fixed,
        [&](CgRow& row, std::uint64_t end) {
          const RowVector direction = row_vector(row.gradients.direction(), fixed);
          if (step == row.steps) {
            row.curvature +=
                passes_.curvature(row.next, end, fixed, direction, fetch, worker.chunk);
          } else {
            passes_.subtract_product(row.next, end, fixed, direction, fetch, worker.chunk,
                                     row.gradients.partial_sum());
          }
        },
        [&](CgRow& row) {
          if (step < row.steps) row.gradients.add_to_product();
        });
    for (std::size_t r = 0; r < n; ++r) {
      CgRow& row = worker.batch[r];
      if (!row.active) continue;
      if (step == row.steps) {
        equations.last_step(row);
      } else {
        equations.step(row);
      }
    }
  }
}

/// Takes what a row has come to, or solves it exactly, and adds up its part of the objective.
void HalfStep::settle(CgRow& row, const Factors& fixed, const TrainingWorkspace& workspace,
                      const CgEquations& equations, RowWorkspace& worker, Factors& solved,
                      Result& result) const {
  const float* x = row.gradients.x();
  CgEquations::Outcome outcome = equations.outcome(row);
  if (!outcome.finite) {
    solve_row(row.row, fixed, workspace, worker, solved, result);
    return;
  }
  if (outcome.in_doubt || workspace.careful) {
    read_row(solved, row.row, worker.before);
    std::copy_n(x, fixed.matrix.cols(), worker.solution.begin());
    if (!fixed.bias.empty()) worker.solution[fixed.matrix.cols()] = x[fixed.matrix.stride()];
    worker.refined = row.extra > 0;
    keep_the_better(row.row, fixed, workspace, nullptr, worker, solved, result);
    return;
  }
  if (workspace.over_relaxation > 0) {
    float* start = row.gradients.direction();  // of no use any more
    unpack(solved, row.row, start);
    row.gradients.over_relax(start, workspace.over_relaxation);
    outcome = equations.outcome(row);
  }
  result.fit += std::max(outcome.loss - outcome.ridge, 0.0);
  result.ridge += outcome.ridge;
  pack(x, row.row, solved);
}

/// A half-step for the rows of a batch, a result for each.
void HalfStep::cg_step_rows(const Batch& batch, const Factors& fixed,
                            const TrainingWorkspace& workspace, RowWorkspace& worker,
                            Factors& solved, Result* results) const {
  const std::size_t n = batch.n;
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const std::size_t unknowns = stride + (biases ? kBlock : 0);
  for (std::size_t r = 0; r < n; ++r) {
    CgRow& row = worker.batch[r];
    row.row = batch.rows[r];
    row.loss = 0;
    row.targets = 0;
    row.curvature = 0;
    row.active = true;
    row.steps = cg_steps(options(), rows_.row_size(row.row));
    unpack(solved, row.row, row.gradients.x());
    std::fill_n(row.gradients.residual(), unknowns, 0.0F);
    std::fill_n(row.gradients.partial_sum(), unknowns, 0.0F);  // a batch may have been left
  }
  // From memory the vectors come by tiles, or in the first pass, and in others if the row has more
  // of them than the cache keeps.
  const bool by_tiles = batch.tile < fixed.matrix.rows();
  pass_over(
      worker, batch, true, fixed,
      [&](CgRow& row, std::uint64_t end) {
        passes_.add_residual(row.next, end, fixed, row_vector(row.gradients.x(), fixed), !by_tiles,
                             worker.chunk, row.gradients.partial_sum(), row.loss, row.targets);
      },
      [](CgRow& row) { row.gradients.add_to_residual(); });
  const CgEquations equations(options(), workspace.basis);
  for (std::size_t r = 0; r < n; ++r) {
    CgRow& row = worker.batch[r];
    row.ridge = ridge_of(row.row);
    row.weight = weights_[row.row];
    // The other side's rows have used the same memory.
    row.mean = prior_ == nullptr ? nullptr : prior_->means().matrix.row(row.row);
    row.bias_mean = prior_ == nullptr || !biases ? 0.0F : prior_->means().bias[row.row];
    equations.start(row);
  }
  take_steps(batch, fixed, equations, worker);
  for (std::size_t r = 0; r < n; ++r)
    settle(worker.batch[r], fixed, workspace, equations, worker, solved, results[r]);
}

HalfStep::Result HalfStep::cg_step(Factors& fixed, const HalfStep& other,
                                   TrainingWorkspace& workspace, ThreadTeam& team,
                                   Factors& solved) const {
  sum_gram(
      fixed, [&](std::uint64_t row) { return implicit() ? 1.0F : other.weights_[row]; }, workspace);
  workspace.basis.turn(workspace.gram, other.in_basis(fixed), in_basis(solved), team);
  workspace.double_gram.clear();
  return cg_step_in_basis(fixed, workspace, team, solved);
}

HalfStep::Result HalfStep::cg_step_in_basis(const Factors& fixed, TrainingWorkspace& workspace,
                                            ThreadTeam& team, Factors& solved) const {
  be_careful(workspace.basis.singular(least_ridge_), fixed, workspace, team);

  const std::size_t all = fixed.matrix.rows();
  const std::size_t tile = tile_rows(options().factors);
  for (RowWorkspace& worker : workspace.workers) {
    worker.tile_sizes.resize(batches_.size() > 1 ? cg_tile_sizes(options(), all) : 0);
  }
  std::vector<Result> results(batched_rows_.size());
  team.for_each_block(batches_.size() - 1, 1, [&](std::size_t b, std::size_t, int thread) {
    const Batch batch{batched_rows_.data() + batches_[b], batches_[b + 1] - batches_[b], tile,
                      [&team, thread] { team.leave_if_asked(thread); }};
    cg_step_rows(batch, fixed, workspace, workspace.workers[static_cast<std::size_t>(thread)],
                 solved, results.data() + batches_[b]);
  });
  Result total = sum_of(results);
  total.add(for_each_short_row(
      cg_, workspace, team, solved, [&](std::size_t row, RowWorkspace& worker, Result& result) {
        cg_step_rows({&row, 1, all, [] {}}, fixed, workspace, worker, solved, &result);
      }));
  total.add(solve_long_rows(huge_rows_, fixed, workspace, team, solved));
  return measured(total, fixed, workspace, team, solved);
}

}  // namespace als
