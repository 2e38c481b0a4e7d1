// The half-step that solves every row exactly, short rows in runs and long ones in segments.
#include "core/train/half_step.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/gram.h"
#include "core/linalg/products.h"

namespace als {
namespace {

// A block of work is to take a millisecond or a few, at some 10^10 multiply-adds a second, of which
// a term takes n^2 / 2.

// Terms of a row that are summed in one go. A row with more is summed in segments of this size.
std::uint64_t segment_size(std::size_t unknowns) {
  return std::clamp<std::uint64_t>((std::uint64_t{1} << 28) / (unknowns * unknowns), 512, 65536);
}

// Ratings in a run of rows.
std::size_t run_size(std::size_t unknowns) {
  return std::clamp<std::size_t>((std::size_t{1} << 26) / (unknowns * unknowns), 1,
                                 std::size_t{1} << 18);
}

// What a row costs beside its ratings, in ratings: its factorisation takes n^3 / 6 multiply-adds.
std::size_t row_cost(std::size_t unknowns) { return 16 + unknowns / 3; }

constexpr std::size_t kRidgeGrain = 4096;  // rows

// The loss of a row is a difference, which may be off by some 1e-6 of its larger side. Where less
// than this is left of that, it is summed up term by term instead.
constexpr double kLossCancelled = 0.01;

// Rounding of A changes x^T A x by some 1e-7 of |A| |x|^2. Where the loss is less than this part of
// that, the change may matter, and half_step_guard.cpp has a closer look.
constexpr double kDoubtful = 1e-4;

/// |A| |x|^2; a bias, which is in another unit than factors are, apart.
double largest_terms(const NormalEquations& equations, const std::vector<float>& x, bool bias) {
  if (!bias) return squared_norm(x) * equations.largest_diagonal(x.size());
  const double last = static_cast<double>(x.back()) * x.back();
  return (squared_norm(x) - last) * equations.largest_diagonal(x.size() - 1) +
         last * equations.at(x.size() - 1, x.size() - 1);
}

}  // namespace

/// Added up in order, so that the bits do not depend on the number of threads.
HalfStep::Result HalfStep::sum_of(const std::vector<Result>& results) {
  Result total;
  for (const Result& result : results) total.add(result);
  return total;
}

TrainingWorkspace::TrainingWorkspace(const TrainOptions& options, ThreadTeam& team, double loss)
    : workers(static_cast<std::size_t>(team.threads()), RowWorkspace(options)),
      segmented_sum(options.unknowns(), team),
      gram(options.unknowns()),
      loss(loss),
      basis(static_cast<std::size_t>(options.factors)) {}

HalfStep::HalfStep(const CompressedRows& rows, std::size_t others, const TrainOptions& options,
                   double mean, ThreadTeam& team)
    : rows_(rows),
      others_(others),
      objective_(options, mean, others),
      passes_(rows_, objective_),
      exact_(make_plan(segment_size(options.unknowns()), row_cost(options.unknowns()),
                       run_size(options.unknowns()))),
      cg_{} {
  plan_batches(team.threads());
  weigh_rows(team);
}

HalfStep::Plan HalfStep::make_plan(std::uint64_t longest, std::size_t row_cost,
                                   std::size_t run_size) const {
  Plan plan{longest, split_rows(rows_, row_cost, run_size), {}};
  for (std::size_t row = 0; row < rows_.rows(); ++row) {
    if (rows_.row_size(row) > longest) plan.long_rows.push_back(row);
  }
  return plan;
}

void HalfStep::weigh_rows(ThreadTeam& team) {
  weights_.resize(rows_.rows());
  ridges_.resize(rows_.rows());
  bias_ridges_.resize(options().biases ? rows_.rows() : 0);
  std::vector<double> targets(exact_.runs.size());
  std::vector<float> least(exact_.runs.size(), INFINITY);
  team.for_each_block(exact_.runs.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = exact_.runs[run]; row < exact_.runs[run + 1]; ++row) {
      const RowRatings ratings = ratings_of(rows_, row);
      const double weight = objective_.weight(ratings);
      weights_[row] = static_cast<float>(weight);
      const Ridge ridge = objective_.ridge(weight);
      ridges_[row] = ridge.others;
      if (!bias_ridges_.empty()) bias_ridges_[row] = ridge.last;
      if (ratings.count > 0) least[run] = std::min(least[run], ridges_[row]);
      if (implicit()) {
        for (std::size_t e = 0; e < ratings.count; ++e) {
          targets[run] += objective_.rhs_weight(ratings.values[e], 1.0, 0.0);
        }
      }
    }
  });
  for (const double sum : targets) targets_ += sum;
  least_ridge_ = *std::min_element(least.begin(), least.end());
}

Ridge HalfStep::ridge_of(std::size_t row) const {
  return {ridges_[row], bias_ridges_.empty() ? ridges_[row] : bias_ridges_[row]};
}

/// The row's part of the objective's ridge where it is at x.
double HalfStep::ridge_at(std::size_t row, const std::vector<float>& x) const {
  if (prior_ != nullptr) return ridge_around_mean(row, x);
  if (bias_ridges_.empty()) return ridges_[row] * squared_norm(x);
  const double last = static_cast<double>(x.back()) * x.back();
  const Ridge ridge = ridge_of(row);
  return ridge.others * (squared_norm(x) - last) + ridge.last * last;
}

/// Adds the terms of ratings [begin, end), all of one row. Returns the sum of w p^2, the loss of
/// these ratings at x = 0.
double HalfStep::add_ratings(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                             RowWorkspace& worker, NormalEquations& equations) const {
  TermAccumulator& terms = worker.terms;
  const RowRatings all{rows_.columns.data(), rows_.values.data(), rows_.columns.size(),
                       rows_.weights_from(0)};
  double targets = 0;
  for (std::uint64_t e = begin; e < end;) {
    const std::uint64_t next = std::min<std::uint64_t>(e + terms.capacity(), end);
    targets += objective_.add_terms(all.some(e, next - e), fixed, terms, equations);
    // What comes next is most likely what follows, in this row or in the one after it.
    const std::uint64_t ahead =
        std::min<std::uint64_t>(next + terms.capacity(), rows_.columns.size());
    std::uint64_t& expected = worker.expected;
    if (expected < next || expected > ahead) expected = next;
    for (; expected < ahead; ++expected) {
      terms.expect(fixed.matrix.row(rows_.columns[expected]));
    }
    terms.flush(equations);
    e = next;
  }
  return targets;
}

/// Y^T Y. Implicit feedback: what the cells would add to every row's equations if none of them were
/// observed. Explicit feedback: each y by the weights of its ratings, which is what the equations
/// of rows have in common.
void HalfStep::sum_gram(const Factors& fixed, const std::function<float(std::uint64_t row)>& weight,
                        TrainingWorkspace& workspace) {
  workspace.gram.clear();
  als::sum_gram(
      fixed.matrix.view(), weight,
      [&](int thread) -> TermAccumulator& {
        return workspace.workers[static_cast<std::size_t>(thread)].terms;
      },
      workspace.segmented_sum, workspace.gram);
}

/// Solves the worker's equations, which have all terms of the row. Returns false, and leaves the
/// row as it was, if rounding errors could have spoiled the solution.
bool HalfStep::finish_row(std::size_t row, double targets, const Factors& fixed,
                          const TrainingWorkspace& workspace, RowWorkspace& worker, Factors& solved,
                          Result& result) const {
  read_row(solved, row, worker.before);
  worker.solution = worker.before;
  if (prior_ != nullptr) targets += add_prior(row, worker.equations);
  const CholeskySolver::Solution solution =
      worker.solver.solve(worker.equations, ridge_of(row), worker.solution.data());
  worker.refined = !solution.direct;
  const double ridge = ridge_at(row, worker.solution);
  // What is left of the quadratic's value at x = 0, without the ridge's part.
  double fit = std::max(targets - solution.reduction - ridge, 0.0);
  const double largest = largest_terms(worker.equations, worker.solution, options().biases);
  if (!solution.direct || workspace.careful || fit < kDoubtful * std::max(targets, largest))
    return false;
  if (fit < kLossCancelled * targets && rows_.row_size(row) <= exact_.longest) {
    fit = quick_fit(row, fixed, workspace, worker.solution);
  }
  result.fit += fit;
  result.ridge += ridge;
  write_row(worker.solution, row, solved);
  return true;
}

/// A row of explicit feedback with fewer ratings than unknowns. Returns false, and leaves it as it
/// was, if it has more, or rounding errors could matter.
bool HalfStep::solve_short_row(std::size_t row, const Factors& fixed,
                               const TrainingWorkspace& workspace, RowWorkspace& worker,
                               Factors& solved, Result& result) const {
  const RowRatings ratings = ratings_of(rows_, row);
  if (implicit() || options().nonnegative || prior_ != nullptr ||
      ratings.count > worker.dual.most_terms())
    return false;
  double targets = 0;
  for (std::size_t e = 0; e < ratings.count; ++e) {
    const std::uint32_t column = ratings.columns[e];
    const double bias = fixed.bias.empty() ? 0.0 : fixed.bias[column];
    const auto target = static_cast<float>(objective_.rhs_weight(ratings.values[e], 1.0, bias));
    const double weight = ratings.weight(e);
    worker.dual.add(fixed.matrix.row(column), static_cast<float>(weight), target);
    targets += weight * target * target;
  }
  if (!worker.dual.solve(ridge_of(row), worker.solution.data())) return false;
  const double fit = quick_fit(row, fixed, workspace, worker.solution);
  if (!(fit >= kDoubtful * targets)) return false;
  result.fit += fit;
  result.ridge += ridge_at(row, worker.solution);
  write_row(worker.solution, row, solved);
  return true;
}

void HalfStep::solve_row(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                         RowWorkspace& worker, Factors& solved, Result& result) const {
  if (solve_short_row(row, fixed, workspace, worker, solved, result)) return;
  objective_.start_equations(workspace.gram.matrix(), worker.equations);
  const double targets =
      add_ratings(rows_.offsets[row], rows_.offsets[row + 1], fixed, worker, worker.equations);
  if (finish_row(row, targets, fixed, workspace, worker, solved, result)) return;
  keep_the_better(row, fixed, workspace, nullptr, worker, solved, result);
}

/// Solves rows whose equations are summed in segments, by all threads.
HalfStep::Result HalfStep::solve_long_rows(const std::vector<std::size_t>& rows,
                                           const Factors& fixed, TrainingWorkspace& workspace,
                                           ThreadTeam& team, Factors& solved) const {
  const std::uint64_t segment = exact_.longest;
  // The sums of each segment, so that they are added up in order too.
  std::vector<std::uint64_t> sizes;
  std::vector<std::vector<double>> targets;
  for (const std::size_t row : rows) {
    sizes.push_back(rows_.row_size(row));
    targets.emplace_back((rows_.row_size(row) - 1) / segment + 1);
  }
  std::vector<Result> results(rows.size());
  struct Doubt {
    std::vector<float> solution;  // empty if there is none
    bool refined;
  };
  std::vector<Doubt> doubts(rows.size());
  workspace.segmented_sum.run(
      sizes, segment,
      [&](std::size_t job, std::uint64_t begin, std::uint64_t end, int thread,
          NormalEquations& sum) {
        const std::uint64_t first = rows_.offsets[rows[job]];
        targets[job][begin / segment] =
            add_ratings(first + begin, first + end, fixed,
                        workspace.workers[static_cast<std::size_t>(thread)], sum);
      },
      [&](std::size_t job, const NormalEquations& sum, int thread) {
        RowWorkspace& worker = workspace.workers[static_cast<std::size_t>(thread)];
        objective_.start_equations(workspace.gram.matrix(), worker.equations);
        worker.equations.add(sum);
        double total = 0;
        for (const double part : targets[job]) total += part;
        if (!finish_row(rows[job], total, fixed, workspace, worker, solved, results[job])) {
          doubts[job] = {worker.solution, worker.refined};
        }
      });
  for (std::size_t job = 0; job < rows.size(); ++job) {
    if (doubts[job].solution.empty()) continue;
    RowWorkspace& worker = workspace.workers.front();
    read_row(solved, rows[job], worker.before);
    worker.solution = doubts[job].solution;
    worker.refined = doubts[job].refined;
    keep_the_better(rows[job], fixed, workspace, &team, worker, solved, results[job]);
  }
  return sum_of(results);
}

/// Calls solve_row(row, worker, result) for the rows that have ratings and are not long, and clears
/// those without.
HalfStep::Result HalfStep::for_each_short_row(const Plan& plan, TrainingWorkspace& workspace,
                                              ThreadTeam& team, Factors& solved,
                                              const SolveRow& solve_row) const {
  std::vector<Result> results(plan.runs.size());
  team.for_each_block(plan.runs.size() - 1, 1, [&](std::size_t run, std::size_t, int thread) {
    RowWorkspace& worker = workspace.workers[static_cast<std::size_t>(thread)];
    for (std::size_t row = plan.runs[run]; row < plan.runs[run + 1]; ++row) {
      if (rows_.row_size(row) > plan.longest) continue;
      if (rows_.row_size(row) == 0) {
        solved.matrix.clear_row(row);
        if (!solved.bias.empty()) solved.bias[row] = 0.0F;
        continue;
      }
      solve_row(row, worker, results[run]);
    }
  });
  return sum_of(results);
}

HalfStep::Result HalfStep::solve(const Factors& fixed, TrainingWorkspace& workspace,
                                 ThreadTeam& team, Factors& solved) const {
  if (implicit()) {
    sum_gram(
        fixed, [](std::uint64_t) { return 1.0F; }, workspace);
    workspace.double_gram.clear();
  }
  return solve_with_gram(fixed, workspace, team, solved);
}

HalfStep::Result HalfStep::solve_with_gram(const Factors& fixed, TrainingWorkspace& workspace,
                                           ThreadTeam& team, Factors& solved) const {
  if (implicit()) {
    CholeskySolver solver(workspace.gram.unknowns());
    const bool singular = !solver.well_conditioned(workspace.gram, {least_ridge_, least_ridge_});
    be_careful(singular, fixed, workspace, team);
  }
  Result total = for_each_short_row(exact_, workspace, team, solved,
                                    [&](std::size_t row, RowWorkspace& worker, Result& result) {
                                      solve_row(row, fixed, workspace, worker, solved, result);
                                    });
  total.add(solve_long_rows(exact_.long_rows, fixed, workspace, team, solved));
  return measured(total, fixed, workspace, team, solved);
}

double HalfStep::ridge(const Factors& factors, ThreadTeam& team) const {
  if (prior_ != nullptr) return ridge_with_prior(factors, team);
  return sum_over_rows(team, [&](std::size_t row) {
    if (factors.bias.empty()) return ridges_[row] * squared_norm(factors.matrix, row);
    return ridges_[row] * squared_norm(factors.matrix, row) +
           bias_ridges_[row] * static_cast<double>(factors.bias[row]) * factors.bias[row];
  });
}

double HalfStep::sum_over_rows(ThreadTeam& team,
                               const std::function<double(std::size_t row)>& value) const {
  std::vector<double> sums(rows_.rows() / kRidgeGrain + 1);
  team.for_each_block(rows_.rows(), kRidgeGrain, [&](std::size_t begin, std::size_t end, int) {
    double sum = 0;
    for (std::size_t row = begin; row < end; ++row) sum += value(row);
    sums[begin / kRidgeGrain] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace als
