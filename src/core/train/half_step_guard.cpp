// The half-step's guard against rounding errors.
//
// With the other side fixed, the objective is a sum of one quadratic a row. So it cannot rise if no
// row's quadratic does, and none has to: the row can stay as it was. Where the equations of a row
// are far from singular, and some of its loss is left, rounding errors are too small to matter.
// Elsewhere the quadratic is summed up, term by term and in double precision, where the row was and
// where it is to go.
#include <algorithm>
#include <cmath>

#include "core/linalg/products.h"
#include "core/train/half_step.h"

namespace als {
namespace {

/// x^T Y^T Y x: the sum of the squares of the scores that x makes in all cells.
double square_of_scores(const TrainingWorkspace& workspace, const std::vector<float>& x) {
  if (workspace.careful) return workspace.double_gram.quadratic(x.data());
  const NormalEquations& gram = workspace.gram;
  double sum = 0;
  for (std::size_t r = 0; r < gram.unknowns(); ++r) {
    for (std::size_t c = 0; c < r; ++c) sum += 2.0 * gram.at(r, c) * x[r] * x[c];
    sum += static_cast<double>(gram.at(r, r)) * x[r] * x[r];
  }
  return sum;
}

}  // namespace

double HalfStep::quick_fit(std::size_t row, const Factors& fixed,
                           const TrainingWorkspace& workspace, const std::vector<float>& x) const {
  double sum = passes_.fit(rows_.offsets[row], rows_.offsets[row + 1], fixed, x.data(), dot);
  if (implicit()) sum += square_of_scores(workspace, x);
  return std::max(sum, 0.0);
}

/// In segments, which the team shares if there is one.
double HalfStep::careful_fit(std::size_t row, const Factors& fixed,
                             const TrainingWorkspace& workspace, ThreadTeam* team,
                             const std::vector<float>& x) const {
  const std::uint64_t first = rows_.offsets[row];
  std::vector<double> sums((rows_.row_size(row) - 1) / exact_.longest + 1);
  const auto sum_segment = [&](std::size_t s) {
    const std::uint64_t begin = first + s * exact_.longest;
    const std::uint64_t end = std::min(begin + exact_.longest, rows_.offsets[row + 1]);
    sums[s] = passes_.fit(
        begin, end, fixed, x.data(),
        [](const float* a, const float* b, std::size_t n) { return dot_in_double(a, b, n); });
  };
  if (team != nullptr) {
    team->for_each_block(sums.size(), 1, [&](std::size_t s, std::size_t, int) { sum_segment(s); });
  } else {
    for (std::size_t s = 0; s < sums.size(); ++s) sum_segment(s);
  }
  double total = implicit() ? square_of_scores(workspace, x) : 0.0;
  for (const double sum : sums) total += sum;
  return std::max(total, 0.0);
}

/// Takes the worker's solution, or the row as it was before if that is better.
void HalfStep::keep_the_better(std::size_t row, const Factors& fixed,
                               const TrainingWorkspace& workspace, ThreadTeam* team,
                               RowWorkspace& worker, Factors& solved, Result& result) const {
  Result before;
  before.fit = careful_fit(row, fixed, workspace, team, worker.before);
  before.ridge = ridge_at(row, worker.before);
  Result after;
  after.fit = careful_fit(row, fixed, workspace, team, worker.solution);
  after.ridge = ridge_at(row, worker.solution);
  // False also for what is not a number.
  const bool better = after.fit + after.ridge <= before.fit + before.ridge;
  if (better) write_row(worker.solution, row, solved);
  result.add(better ? after : before);
  result.refined_rows += worker.refined || !better ? 1 : 0;
}

/// Looks at Y^T Y once more, in double precision, if that is called for.
void HalfStep::be_careful(bool singular, const Factors& fixed, TrainingWorkspace& workspace,
                          ThreadTeam& team) const {
  workspace.careful = implicit() && (singular || workspace.loss < kCoarse * targets_);
  if (workspace.careful && workspace.double_gram.empty()) {
    workspace.double_gram.sum(fixed.matrix.view(), team);
  }
}

/// The result of a half-step, summed up anew in double precision if it has left next to nothing.
HalfStep::Result HalfStep::measured(const Result& result, const Factors& fixed,
                                    TrainingWorkspace& workspace, ThreadTeam& team,
                                    Factors& solved) const {
  if (!implicit() || workspace.careful) return result;
  // A bound on the sum of x^T Y^T Y x over all rows but for a factor, as |A| |x|^2 is on x^T A x.
  const double largest =
      workspace.gram.largest_diagonal(workspace.gram.unknowns()) *
      sum_over_rows(team, [&](std::size_t row) { return squared_norm(solved.matrix, row); });
  if (result.fit >= kCoarse * std::max(targets_, largest)) return result;
  be_careful(true, fixed, workspace, team);
  const auto measure = [&](std::size_t row, ThreadTeam* by, RowWorkspace& worker, Result& sum) {
    read_row(solved, row, worker.solution);
    sum.fit += careful_fit(row, fixed, workspace, by, worker.solution);
    sum.ridge += ridge_at(row, worker.solution);
  };
  Result total = for_each_short_row(exact_, workspace, team, solved,
                                    [&](std::size_t row, RowWorkspace& worker, Result& sum) {
                                      measure(row, nullptr, worker, sum);
                                    });
  for (const std::size_t row : exact_.long_rows) {
    measure(row, &team, workspace.workers.front(), total);
  }
  total.refined_rows = result.refined_rows;
  return total;
}

}  // namespace als
