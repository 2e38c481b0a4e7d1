// The half-step by conjugate gradients.
//
// Ratings of a row need not be summed to an n x n matrix A, which takes n^2 / 2 multiply-adds each:
// a product with A takes 2 n of them (Takacs, Pilaszy and Tikk 2011),
//
//   A p = Y^T Y p + sum over ratings of (w - 1) (y . p) y + ridge p    for implicit feedback,
//   A p = sum over ratings of (z . p) z + ridge p                      for explicit feedback.
//
// A pass makes one such product. Where a row's vectors and all others fit a processor's cache, its
// passes follow each other. Otherwise long rows are taken many at a time: a pass goes through the
// other side's vectors tile by tile, each of which serves all those rows while it is in the cache,
// instead of coming from memory again for each of them.

#include <algorithm>
#include <cmath>

#include "core/train/half_step.h"

namespace als {
namespace {

// Steps in a half-step. With the basis and the preconditioner used here, two lead to as low an
// objective after some sweeps as exact solutions do; one does not.
constexpr int kSteps = 2;

// A step is not worth its time if it lowers the loss of a row by less than this part of it.
constexpr double kNegligible = 1e-6;

// Multiply-adds in a block of work: some milliseconds, and the longest bearable.
constexpr std::size_t kBlockWork = std::size_t{1} << 25;
constexpr std::size_t kLongestWork = std::size_t{1} << 29;

// What a row costs beside its ratings, in ratings.
constexpr std::size_t kRowCost = 8;

// The fixed side's vectors stay in the last-level cache by themselves if they take no more.
constexpr std::size_t kCachedBytes = std::size_t{1} << 24;

// Of a tile, and of what a batch of rows needs in a pass: parts of the second-level cache.
constexpr std::size_t kTileBytes = std::size_t{1} << 17;
constexpr std::size_t kBatchBytes = std::size_t{1} << 17;

// Rows with ratings for at least this part of the other side go into batches: a vector of a tile
// then serves several rows.
constexpr std::size_t kBatchedPart = 64;

// Where less than this is left of the loss at x = 0, it is summed up anew.
constexpr double kCancelled = 1e-4;

std::size_t padded(int factors) { return blocks_of(static_cast<std::size_t>(factors)) * kBlock; }

/// Multiply-adds that a rating takes in a half-step.
std::size_t rating_work(int factors) { return 2 * padded(factors) * (kSteps + 1); }

}  // namespace

std::size_t cg_batch_rows(const TrainOptions& options) {
  return std::max<std::size_t>(kBatchBytes / (2 * padded(options.factors) * sizeof(float)), 1);
}

void HalfStep::plan_batches() {
  const std::size_t rating = rating_work(options().factors);
  const std::uint64_t longest = kLongestWork / rating;
  const std::size_t fixed_bytes = other_rows_.rows() * padded(options().factors) * sizeof(float);
  const std::uint64_t batched =
      fixed_bytes <= kCachedBytes ? longest : other_rows_.rows() / kBatchedPart;
  cg_ = make_plan(std::min(longest, batched), kRowCost, kBlockWork / rating + 1);
  for (const std::size_t row : cg_.long_rows) {
    (rows_.row_size(row) > longest ? huge_rows_ : batched_rows_).push_back(row);
  }
  // Rows of similar length side by side, the longest first, which keep threads busy to the end.
  std::sort(batched_rows_.begin(), batched_rows_.end(), [&](std::size_t a, std::size_t b) {
    const std::uint64_t size_of_a = rows_.row_size(a);
    const std::uint64_t size_of_b = rows_.row_size(b);
    return size_of_a > size_of_b || (size_of_a == size_of_b && a < b);
  });
  const std::size_t rows_at_most = cg_batch_rows(options());
  batches_.push_back(0);
  std::uint64_t size = 0;
  for (std::size_t place = 0; place < batched_rows_.size(); ++place) {
    const std::uint64_t row_size = rows_.row_size(batched_rows_[place]);
    if (size > 0 && (size + row_size > longest || place - batches_.back() == rows_at_most)) {
      batches_.push_back(place);
      size = 0;
    }
    size += row_size;
  }
  if (!batched_rows_.empty()) batches_.push_back(batched_rows_.size());
}

/// Ratings row.next up to `end`: adds to the residual b - A x, without the parts of Y^T Y and of
/// the ridge, and to the loss, without those parts too.
void HalfStep::first_pass(CgRow& row, std::uint64_t end, const Factors& fixed,
                          PassChunk& chunk) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const std::size_t count = end - row.next;
  const float* values = rows_.values.data() + row.next;
  const std::uint32_t* columns = rows_.columns.data() + row.next;
  const auto mean = static_cast<float>(objective_.mean());
  const auto alpha = static_cast<float>(options().alpha);
  for (std::size_t e = 0; e < count; ++e) {
    if (implicit()) {
      chunk.weights[e] = alpha * std::fabs(values[e]);
      chunk.targets[e] = values[e] > 0 ? 1.0F + chunk.weights[e] : 0.0F;
    } else {
      chunk.weights[e] = 1.0F;
      chunk.targets[e] = values[e] - mean - (biases ? fixed.bias[columns[e]] : 0.0F);
    }
  }
  const float* x = row.gradients.x();
  float* sum = row.gradients.partial_sum();
  const float total =
      kernels_.pass({fixed.matrix.row(0), stride, columns, count, rows_.columns.size() - end,
                     chunk.weights, chunk.targets, biases ? x[stride] : 0.0F},
                    x, chunk.dots, sum);
  if (biases) sum[stride] += total;
  for (std::size_t e = 0; e < count; ++e) {
    const double dot = chunk.dots[e];
    const double target = chunk.targets[e];
    const double weight = chunk.weights[e];
    // Implicit feedback: (1 + w)(p - s)^2 - s^2, where h = (1 + w) p and p is 0 or 1.
    row.loss +=
        implicit() ? target + dot * (weight * dot - 2 * target) : (target - dot) * (target - dot);
    row.targets += implicit() ? target : target * target;
  }
}

/// Ratings row.next up to `end`: subtracts their part of A p from the product.
void HalfStep::product_pass(CgRow& row, std::uint64_t end, const Factors& fixed,
                            PassChunk& chunk) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const std::size_t count = end - row.next;
  const float* values = rows_.values.data() + row.next;
  const auto alpha = static_cast<float>(options().alpha);
  for (std::size_t e = 0; e < count; ++e) {
    chunk.weights[e] = implicit() ? alpha * std::fabs(values[e]) : 1.0F;
    chunk.targets[e] = 0.0F;
  }
  const float* p = row.gradients.direction();
  float* sum = row.gradients.partial_sum();
  const float total = kernels_.pass(
      {fixed.matrix.row(0), stride, rows_.columns.data() + row.next, count,
       rows_.columns.size() - end, chunk.weights, chunk.targets, biases ? p[stride] : 0.0F},
      p, chunk.dots, sum);
  if (biases) sum[stride] += total;
}

/// Calls pass(row, end) for the ratings of the batch's first n rows that are active: tile by tile
/// if there are several, and a chunk at a time; and add_up(row) whenever a chunk or so is in the
/// partial sum.
template <class Pass, class AddUp>
void HalfStep::pass_over(RowWorkspace& worker, std::size_t n, const Factors& fixed,
                         const Pass& pass, const AddUp& add_up) const {
  const std::size_t row_floats = fixed.matrix.stride();
  const std::size_t all = other_rows_.rows();
  const std::uint32_t* columns = rows_.columns.data();
  const std::size_t tile = n == 1 ? all : kTileBytes / (row_floats * sizeof(float));
  for (std::size_t r = 0; r < n; ++r) {
    worker.batch[r].next = rows_.offsets[worker.batch[r].row];
    worker.batch[r].summed = 0;
  }
  for (std::size_t begin = 0; begin < all; begin += tile) {
    const std::size_t tile_end = std::min(begin + tile, all);
    // The next tile comes while this one is worked on, a share with each row.
    const std::size_t next_end = std::min(tile_end + tile, all);
    const std::size_t share = (next_end - tile_end + n - 1) / n;
    std::size_t fetched = tile_end;
    for (std::size_t r = 0; r < n; ++r) {
      for (const std::size_t stop = std::min(fetched + share, next_end); fetched < stop;
           ++fetched) {
        for (std::size_t k = 0; k < row_floats; k += kBlock) {
          __builtin_prefetch(fixed.matrix.row(fetched) + k, 0, 2);
        }
      }
      CgRow& row = worker.batch[r];
      if (!row.active) continue;
      const std::uint64_t row_end = rows_.offsets[row.row + 1];
      while (row.next < row_end && columns[row.next] < tile_end) {
        // Columns ascend. Few of a chunk lie in a tile: a search beats going back from its end.
        const std::uint64_t chunk_end =
            std::min<std::uint64_t>(row.next + PassChunk::kSize, row_end);
        const auto end = static_cast<std::uint64_t>(
            std::lower_bound(columns + row.next, columns + chunk_end, tile_end) - columns);
        pass(row, end);
        row.summed += end - row.next;
        row.next = end;
        if (row.summed >= PassChunk::kSize || end == row_end) {
          add_up(row);
          row.summed = 0;
        }
      }
    }
  }
}

/// What Y^T Y and the ridge add to A[k][k], and to no other entry in this basis.
float HalfStep::shared_diagonal(const CgRow& row, const TrainingWorkspace& workspace,
                                std::size_t k) const {
  if (k >= padded(options().factors)) return row.ridge.last;
  return (implicit() ? workspace.basis.eigenvalues()[k] : 0.0F) + row.ridge.others;
}

/// What A[k][k] is on average. The ratings' own part of it, the sum of w z_k^2, would take another
/// pass.
float HalfStep::mean_diagonal(const CgRow& row, const TrainingWorkspace& workspace,
                              std::size_t k) const {
  const float mean_square =
      k < padded(options().factors) ? workspace.basis.mean_squares()[k] : 1.0F;
  return shared_diagonal(row, workspace, k) + weights_[row.row] * mean_square;
}

/// A ridge around where the row is, rho |x - x_0|^2, if its equations may be singular; else 0. What
/// lowers the sum of it and the loss lowers the loss, and a component that is rounding errors alone
/// cannot make x long: the next change of basis would spread what rounding leaves of that over all
/// other components.
float HalfStep::proximal_ridge(const CgRow& row, const TrainingWorkspace& workspace) const {
  if (!workspace.basis.singular()) return 0;
  const auto factors = static_cast<std::size_t>(options().factors);
  float least = mean_diagonal(row, workspace, 0);
  float most = least;
  for (std::size_t k = 1; k < factors; ++k) {
    least = std::min(least, mean_diagonal(row, workspace, k));
    most = std::max(most, mean_diagonal(row, workspace, k));
  }
  return least < GramBasis::kSingular * most ? GramBasis::kSingular * most : 0;
}

/// After the first pass: the rest of the residual and of the loss, and the preconditioner.
void HalfStep::start_row(CgRow& row, const TrainingWorkspace& workspace) const {
  const std::size_t stride = padded(options().factors);
  const std::size_t unknowns = stride + (options().biases ? kBlock : 0);
  const float* x = row.gradients.x();
  float* residual = row.gradients.residual();
  row.ridge = ridge_of(row.row);
  row.extra = proximal_ridge(row, workspace);
  for (std::size_t k = 0; k < unknowns; ++k) {
    const float diagonal = shared_diagonal(row, workspace, k);
    residual[k] -= diagonal * x[k];
    row.loss += static_cast<double>(diagonal) * x[k] * x[k];
    const float whole = mean_diagonal(row, workspace, k) + row.extra;
    row.gradients.preconditioner()[k] = whole > 0 ? 1.0F / whole : 0.0F;
  }
  row.gradients.start();
}

/// A half-step for n rows, at most as many as a batch has.
void HalfStep::cg_step_rows(const std::size_t* rows, std::size_t n, const Factors& fixed,
                            const TrainingWorkspace& workspace, RowWorkspace& worker,
                            Factors& solved, Result& result) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const std::size_t unknowns = stride + (biases ? kBlock : 0);
  for (std::size_t r = 0; r < n; ++r) {
    CgRow& row = worker.batch[r];
    row.row = rows[r];
    row.loss = 0;
    row.targets = 0;
    row.active = true;
    float* x = row.gradients.x();
    std::copy_n(solved.matrix.row(row.row), stride, x);
    std::fill_n(x + stride, unknowns - stride, 0.0F);
    if (biases) x[stride] = solved.bias[row.row];
    std::fill_n(row.gradients.residual(), unknowns, 0.0F);
  }
  pass_over(
      worker, n, fixed,
      [&](CgRow& row, std::uint64_t end) { first_pass(row, end, fixed, worker.chunk); },
      [](CgRow& row) { row.gradients.add_to_residual(); });
  for (std::size_t r = 0; r < n; ++r) start_row(worker.batch[r], workspace);

  for (int step = 0; step < kSteps; ++step) {
    bool any = false;
    for (std::size_t r = 0; r < n; ++r) {
      CgRow& row = worker.batch[r];
      row.active = row.gradients.decrease() > kNegligible * row.loss;
      any = any || row.active;
    }
    if (!any) break;
    pass_over(
        worker, n, fixed,
        [&](CgRow& row, std::uint64_t end) { product_pass(row, end, fixed, worker.chunk); },
        [](CgRow& row) { row.gradients.add_to_product(); });
    for (std::size_t r = 0; r < n; ++r) {
      CgRow& row = worker.batch[r];
      if (!row.active) continue;
      for (std::size_t k = 0; k < unknowns; ++k) {
        row.gradients.product()[k] -=
            (shared_diagonal(row, workspace, k) + row.extra) * row.gradients.direction()[k];
      }
      row.gradients.step();
    }
  }

  for (std::size_t r = 0; r < n; ++r) {
    CgRow& row = worker.batch[r];
    const float* x = row.gradients.x();
    double norm = 0;
    for (std::size_t k = 0; k < stride; ++k) norm += static_cast<double>(x[k]) * x[k];
    double ridge = row.ridge.others * norm;
    if (biases) ridge += row.ridge.last * static_cast<double>(x[stride]) * x[stride];
    const double loss = row.loss - row.gradients.lowered();
    if (!std::isfinite(ridge) || !std::isfinite(loss)) {
      solve_row(row.row, fixed, workspace, worker, solved, result);
      continue;
    }
    if (row.extra > 0 || !workspace.double_gram.empty() ||
        loss < kCancelled * std::max(row.targets, row.loss)) {
      read_row(solved, row.row, worker.before);
      std::copy_n(x, fixed.matrix.cols(), worker.solution.begin());
      if (biases) worker.solution[fixed.matrix.cols()] = x[stride];
      worker.refined = row.extra > 0;
      keep_the_better(row.row, fixed, workspace, nullptr, worker, solved, result);
      continue;
    }
    result.fit += std::max(loss - ridge, 0.0);
    result.ridge += ridge;
    std::copy_n(x, stride, solved.matrix.row(row.row));
    if (biases) solved.bias[row.row] = x[stride];
  }
}

HalfStep::Result HalfStep::cg_step(Factors& fixed, const HalfStep& other,
                                   TrainingWorkspace& workspace, ThreadTeam& team,
                                   Factors& solved) const {
  sum_gram(fixed, workspace);
  workspace.basis.turn(workspace.gram, {other_rows_, other.ridges_, fixed.matrix},
                       {rows_, ridges_, solved.matrix}, team);
  sum_double_gram(workspace.basis.singular(), fixed, workspace, team);

  std::vector<Result> results(batches_.size());
  team.for_each_block(batches_.size() - 1, 1, [&](std::size_t b, std::size_t, int thread) {
    cg_step_rows(batched_rows_.data() + batches_[b], batches_[b + 1] - batches_[b], fixed,
                 workspace, workspace.workers[static_cast<std::size_t>(thread)], solved,
                 results[b]);
  });
  Result total = sum_of(results);
  total.add(for_each_short_row(cg_, workspace, team, solved,
                               [&](std::size_t row, RowWorkspace& worker, Result& result) {
                                 cg_step_rows(&row, 1, fixed, workspace, worker, solved, result);
                               }));
  total.add(solve_long_rows(huge_rows_, fixed, workspace, team, solved));
  return measured(total, fixed, workspace, team, solved);
}

}  // namespace als
