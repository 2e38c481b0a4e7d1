// Conjugate gradients in the items' rows, of which other machines make the passes.
#include "core/parts/slice_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/linalg/gram.h"
#include "core/linalg/products.h"
#include "core/train/half_step.h"

namespace als {
namespace {

// So few that threads share the rows of a slice evenly.
constexpr std::size_t kRowsPerBlock = 128;

// There is a length for each, see StepLengths.
static_assert(kCgSteps == 2);

// Marks of rows.
constexpr std::uint8_t kNone = 0;
constexpr std::uint8_t kMarked = 1;   // active or in doubt
constexpr std::uint8_t kSpoiled = 2;  // numbers were no longer finite: back to where it was

/// Adds up sum(begin, end) over blocks of rows, always the same ones.
template <class Sum>
double sum_of_blocks(std::size_t rows, ThreadTeam& team, const Sum& sum) {
  std::vector<double> sums(rows / kRowsPerBlock + 1);
  team.for_each_block(rows, kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    sums[begin / kRowsPerBlock] = sum(begin, end);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// Adds up value(row) over all rows.
template <class Value>
double sum_over(std::size_t rows, ThreadTeam& team, const Value& value) {
  return sum_of_blocks(rows, team, [&](std::size_t begin, std::size_t end) {
    double sum = 0;
    for (std::size_t row = begin; row < end; ++row) sum += value(row);
    return sum;
  });
}

void copy(const Factors& from, std::size_t row, Factors& to, std::size_t to_row) {
  std::copy_n(from.matrix.row(row), from.matrix.stride(), to.matrix.row(to_row));
  if (!from.bias.empty()) to.bias[to_row] = from.bias[row];
}

bool is_finite(const Factors& factors, std::size_t row) {
  // In double precision no square is too large.
  return std::isfinite(squared_norm(factors.matrix, row)) &&
         (factors.bias.empty() || std::isfinite(factors.bias[row]));
}

/// By how much the loss falls for each step along the direction, at first, halved: r^T p. That is
/// r^T M^-1 r of a direction that conjugate gradients have made, and not quite of one that has been
/// rounded since; with it the step is the best one along that, too.
double slope_along(CgRow& row) {
  return dot_in_double(row.gradients.residual(), row.gradients.direction(),
                       row.gradients.vectors().unknowns);
}

Factors shaped_like(const Factors& factors, std::size_t rows) {
  return {FactorMatrix(rows, factors.matrix.cols()),
          std::vector<float>(factors.bias.empty() ? 0 : rows)};
}

}  // namespace

Factors rows_of(const Factors& factors, const std::vector<std::uint32_t>& rows) {
  Factors some = shaped_like(factors, rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) copy(factors, rows[r], some, r);
  return some;
}

Factors for_users(const Factors& factors, const std::vector<std::uint32_t>& rows,
                  const StepHead& head, ThreadTeam& team) {
  // A slice at rest has no vectors of a half-step.
  if (rows.empty()) return {FactorMatrix(0, head.factors()), {}};
  Factors some = rows_of(factors, rows);
  transform(some.matrix, transposed_transform_of(head.users_turn, head.factors()), team);
  return some;
}

void come_to_rest(SliceState& state, ThreadTeam& team) {
  const TrainOptions& options = state.training.options;
  const auto n = static_cast<std::size_t>(options.factors);
  SliceReport& report = state.report;
  report.active = report.doubts = 0;
  report.bias_ridge = 0;
  for (std::size_t row = 0; row < state.factors.bias.size(); ++row) {
    const double bias = state.factors.bias[row];
    report.bias_ridge += state.bias_ridges[row] * bias * bias;
  }
  report.ridge = report.bias_ridge + sum_over(state.size(), team, [&](std::size_t row) {
                   return state.ridges[row] * squared_norm(state.factors.matrix, row);
                 });
  std::vector<TermAccumulator> terms(static_cast<std::size_t>(team.threads()),
                                     TermAccumulator(n, false));
  SegmentedSum segmented_sum(n, team);
  report.sums = SideSums(n, state.implicit());
  report.sums.add(
      state.factors.matrix.view(),
      [&](std::uint64_t row) { return static_cast<float>(state.counts[row]); },
      [&](std::uint64_t row) { return state.ridges[row]; },
      [&](int thread) -> TermAccumulator& { return terms[static_cast<std::size_t>(thread)]; },
      segmented_sum, n);
}

SliceStep::SliceStep(SliceState& state, const StepHead& head, ThreadTeam& team)
    : state_(state),
      head_(head),
      team_(team),
      basis_(head.factors()),
      equations_(state.training.options, basis_) {
  basis_.note(head.eigenvalues, head.mean_squares);
}

/// As HalfStep says it of a whole half-step.
bool SliceStep::careful() const {
  float least_ridge = INFINITY;
  for (std::size_t r = 0; r < state_.size(); ++r) {
    if (state_.counts[r] > 0) least_ridge = std::min(least_ridge, state_.ridges[r]);
  }
  return state_.implicit() && (basis_.singular(least_ridge) || head_.loss_left < HalfStep::kCoarse);
}

void SliceStep::run(SliceSums&& sums) {
  const TrainOptions& options = state_.training.options;
  const SliceReport& report = state_.report;
  const bool all = head_.step == Step::kResidual;
  const bool comparing = head_.step == Step::kCompare;
  expect(sums.kind == kind_of(head_.step) && sums.biases == options.biases &&
             sums.vectors.matrix.cols() == head_.factors() &&
             sums.gram.empty() != (comparing && state_.implicit()),
         "the sums of another step of the training");
  const bool takes_part = all || (comparing ? report.doubts : report.active) > 0;
  expect(sums.rows == (all ? state_.size() : state_.rows_of(head_.step).size()),
         "the sums of other items than those of a slice");
  if (all) {
    expect(report.at_rest(), "a slice in the middle of a half-step");
    start(std::move(sums));
  } else if (takes_part && comparing) {
    compare(sums);
  } else if (takes_part) {
    step(std::move(sums));
  }
}

void SliceStep::start(SliceSums&& sums) {
  const std::size_t n = state_.size();
  SliceRows& rows = state_.rows;
  rows.x = state_.factors;
  transform(rows.x.matrix, transform_of(head_.items_turn, head_.factors()), team_);
  rows.residual = std::move(sums.vectors);
  transform(rows.residual.matrix, transform_of(head_.users_turn, head_.factors()), team_);
  rows.direction = shaped_like(rows.x, n);
  rows.loss = std::move(sums.losses);
  rows.targets = std::move(sums.second_losses);
  rows.lowered.assign(n, 0);
  rows.lengths.assign(n, {});
  state_.marks.assign(n, kNone);
  state_.report.fit = 0;
  state_.report.refined_rows = 0;
  team_.for_each_block(n, kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    CgRow row(cg_unknowns(state_.training.options));
    for (std::size_t r = begin; r < end; ++r) {
      if (state_.counts[r] == 0) {
        clear_row(rows.x, r);
        clear_row(rows.residual, r);
        continue;
      }
      load(r, row);
      equations_.start(row);
      pack(row.gradients.direction(), r, rows.direction);
      save(r, row);
    }
  });
  to_users(rows.direction);
  rows.direction_columns = round_factors(rows.direction);
  state_.lengths.clear();
  state_.report.active = state_.marked().size();
  if (state_.report.active == 0) settle();
}

void SliceStep::step(SliceSums&& sums) {
  const std::vector<std::uint32_t> rows = state_.rows_of(head_.step);
  const bool last = sums.kind == BlockKind::kLastDirections;
  if (!last) {
    transform(sums.vectors.matrix, transform_of(head_.users_turn, head_.factors()), team_);
  }
  // What the parts have taken the products of.
  Factors directions = rows_of(state_.rows.direction, rows);
  if (!last) {
    state_.rows.product_direction = state_.rows.direction;
    state_.rows.product_columns = state_.rows.direction_columns;
  }
  transform(directions.matrix, transform_of(head_.items_turn, head_.factors()), team_);
  team_.for_each_block(rows.size(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    CgRow row(cg_unknowns(state_.training.options));
    for (std::size_t m = begin; m < end; ++m) {
      load(rows[m], row);
      equations_.precondition(row);
      unpack(directions, m, row.gradients.direction());
      row.gradients.resume(slope_along(row), state_.rows.lowered[rows[m]]);
      StepLengths& lengths = state_.rows.lengths[rows[m]];
      if (last) {
        row.curvature = sums.curvatures[m];
        equations_.last_step(row);
        lengths.curvature = row.gradients.length();
      } else {
        unpack(sums.vectors, m, row.gradients.product());
        equations_.step(row);
        lengths.product = row.gradients.length();
        pack(row.gradients.direction(), rows[m], state_.rows.direction);
      }
      save(rows[m], row);
    }
  });
  if (!last) {
    directions = rows_of(state_.rows.direction, rows);
    to_users(directions);
    for (std::size_t m = 0; m < rows.size(); ++m)
      copy(directions, m, state_.rows.direction, rows[m]);
    // Those of the rows that wait, too: nothing has been made of them yet.
    state_.rows.direction_columns = round_factors(state_.rows.direction);
  }
  const auto active = std::count(state_.marks.begin(), state_.marks.end(), kMarked);
  state_.report.active = static_cast<std::uint64_t>(active);
  if (last || active == 0) settle();
}

void SliceStep::load(std::size_t r, CgRow& to) const {
  const SliceRows& rows = state_.rows;
  to.ridge = state_.ridge(r);
  to.weight = state_.weights[r];
  to.loss = rows.loss[r];
  to.targets = rows.targets[r];
  unpack(rows.x, r, to.gradients.x());
  unpack(rows.residual, r, to.gradients.residual());
  unpack(rows.direction, r, to.gradients.direction());
}

/// From the basis of the step to that of the users as they are stored.
void SliceStep::to_users(Factors& vectors) const {
  transform(vectors.matrix, transposed_transform_of(head_.users_turn, head_.factors()), team_);
}

void SliceStep::save(std::size_t r, CgRow& from) {
  SliceRows& rows = state_.rows;
  pack(from.gradients.x(), r, rows.x);
  pack(from.gradients.residual(), r, rows.residual);
  rows.lowered[r] = from.gradients.lowered();
  rows.loss[r] = from.loss;
  const bool finite = is_finite(rows.x, r) && is_finite(rows.residual, r) &&
                      is_finite(rows.direction, r) && std::isfinite(from.gradients.decrease()) &&
                      std::isfinite(rows.lowered[r]) && std::isfinite(rows.loss[r]);
  state_.marks[r] = !finite ? kSpoiled : CgEquations::is_active(from) ? kMarked : kNone;
  if (!finite) restore(r);
}

/// Takes a row back to where it was before the half-step, to stay there.
void SliceStep::restore(std::size_t r) {
  SliceRows& rows = state_.rows;
  Factors before = rows_of(state_.factors, {static_cast<std::uint32_t>(r)});
  ThreadTeam alone(1);
  transform(before.matrix, transform_of(head_.items_turn, head_.factors()), alone);
  copy(before, 0, rows.x, r);
  clear_row(rows.residual, r);
  clear_row(rows.direction, r);
  rows.lowered[r] = 0;
  rows.lengths[r] = {};
  if (!std::isfinite(rows.loss[r])) rows.loss[r] = 0;
}

/// After the last step: which rows are done, and which are to be compared with where they were.
void SliceStep::settle() {
  const std::size_t n = state_.size();
  const bool all_in_doubt = careful();
  const float beyond = all_in_doubt ? 0 : head_.over_relaxation;
  Factors before;
  if (beyond > 0) {
    before = state_.factors;
    transform(before.matrix, transform_of(head_.items_turn, head_.factors()), team_);
  }
  const double fit = sum_of_blocks(n, team_, [&](std::size_t begin, std::size_t end) {
    CgRow row(cg_unknowns(state_.training.options));
    double sum = 0;
    for (std::size_t r = begin; r < end; ++r) {
      if (state_.counts[r] > 0) sum += settle_row(r, all_in_doubt, beyond, before, row);
    }
    return sum;
  });
  state_.report.fit = fit;
  if (state_.implicit() && !all_in_doubt) {
    // As HalfStep::measured().
    double zero_loss = 0;
    for (const double loss : state_.rows.targets) zero_loss += loss;
    const double largest =
        *std::max_element(head_.eigenvalues.begin(), head_.eigenvalues.end()) *
        sum_over(n, team_, [&](std::size_t r) { return squared_norm(state_.rows.x.matrix, r); });
    if (fit < HalfStep::kCoarse * std::max(zero_loss, largest)) {
      state_.report.fit = 0;
      for (std::size_t r = 0; r < n; ++r) {
        if (state_.counts[r] > 0 && state_.marks[r] == kNone) state_.marks[r] = kMarked;
      }
    }
  }
  state_.report.active = 0;
  state_.report.doubts = state_.marked().size();
  if (state_.report.doubts == 0) take_over();
}

/// One row: what its ratings have of the loss, or 0 if it is spoiled, or marked, to be compared.
double SliceStep::settle_row(std::size_t r, bool all_in_doubt, float beyond, const Factors& before,
                             CgRow& row) {
  if (state_.marks[r] == kSpoiled) return 0.0;
  load(r, row);
  equations_.precondition(row);
  row.gradients.resume(0, state_.rows.lowered[r]);
  CgEquations::Outcome outcome = equations_.outcome(row);
  const bool in_doubt = all_in_doubt || outcome.in_doubt || !outcome.finite;
  state_.marks[r] = in_doubt ? kMarked : kNone;
  if (in_doubt) return 0.0;
  if (beyond > 0) {
    unpack(before, r, row.gradients.direction());
    row.gradients.over_relax(row.gradients.direction(), beyond);
    pack(row.gradients.x(), r, state_.rows.x);
    StepLengths& lengths = state_.rows.lengths[r];
    lengths = {(1 + beyond) * lengths.product, (1 + beyond) * lengths.curvature};
    outcome = equations_.outcome(row);
  }
  return std::max(outcome.loss - outcome.ridge, 0.0);
}

void SliceStep::compare(const SliceSums& sums) {
  const std::vector<std::uint32_t> marked = state_.marked();
  const Factors before = rows_of(state_.factors, marked);
  const Factors after = for_users(state_.rows.x, marked, head_, team_);
  Factors before_here = before;
  transform(before_here.matrix, transform_of(head_.items_turn, head_.factors()), team_);
  const auto loss_at = [&](std::size_t m, const Factors& vectors, double ratings_fit,
                           const Factors& here, std::size_t row) {
    const double scores = state_.implicit() ? sums.gram.quadratic(vectors.matrix.row(m)) : 0.0;
    const std::size_t r = marked[m];
    double ridge = state_.ridges[r] * squared_norm(here.matrix, row);
    if (!here.bias.empty()) {
      ridge += state_.bias_ridges[r] * static_cast<double>(here.bias[row]) * here.bias[row];
    }
    return std::pair<double, double>(std::max(ratings_fit + scores, 0.0), ridge);
  };
  CgRow cg_row(cg_unknowns(state_.training.options));
  for (std::size_t m = 0; m < marked.size(); ++m) {
    const std::size_t r = marked[m];
    const auto [before_fit, before_ridge] = loss_at(m, before, sums.losses[m], before_here, m);
    const auto [after_fit, after_ridge] =
        loss_at(m, after, sums.second_losses[m], state_.rows.x, r);
    // False also for what is not a number.
    const bool better = after_fit + after_ridge <= before_fit + before_ridge;
    load(r, cg_row);
    equations_.precondition(cg_row);
    if (!better) {
      copy(before_here, m, state_.rows.x, r);
      state_.rows.lengths[r] = {};
    }
    state_.report.fit += better ? after_fit : before_fit;
    const bool refined = cg_row.extra > 0 || state_.marks[r] == kSpoiled || !better;
    state_.report.refined_rows += refined ? 1 : 0;
  }
  take_over();
}

/// The half-step is over: goes along the directions as far as it has come, as parts will.
void SliceStep::take_over() {
  const SliceRows& rows = state_.rows;
  for (std::size_t r = 0; r < state_.size(); ++r) {
    const StepLengths& lengths = rows.lengths[r];
    step_along(rows.product_direction, r, lengths.product, state_.factors, r);
    step_along(rows.direction, r, lengths.curvature, state_.factors, r);
  }
  for (const std::uint32_t row : state_.unrated()) clear_row(state_.factors, row);
  state_.lengths = std::move(state_.rows.lengths);
  state_.sent = false;
  state_.rows = {};
  state_.marks.clear();
  come_to_rest(state_, team_);
}

}  // namespace als
