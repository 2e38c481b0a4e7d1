// Sums the equations of a row that training has not seen, and solves them.
#include "core/fold_in/folded_row.h"

#include "core/base/limits.h"
#include "core/linalg/gram.h"
#include "core/linalg/segmented_sum.h"
#include "core/train/exact_solver.h"

namespace als {
namespace {

// A row takes the whole team where one thread would take longer than this many multiply-adds: some
// ten milliseconds.
constexpr std::size_t kLongOperations = std::size_t{1} << 28;

}  // namespace

NormalEquations equations_of(const RowObjective& objective, const RowRatings& ratings,
                             const BiasedView& fixed, const float* gram, ThreadTeam& team) {
  const TrainOptions& options = objective.options();
  NormalEquations equations(options.unknowns());
  objective.start_equations(gram, equations);

  // In segments, because a row may have as many ratings as the other side has rows.
  std::vector<TermAccumulator> terms(
      static_cast<std::size_t>(team.threads()),
      TermAccumulator(static_cast<std::size_t>(options.factors), options.biases));
  SegmentedSum(options.unknowns(), team)
      .run(
          {ratings.count}, gram_segment_size(options.unknowns()),
          [&](std::size_t, std::uint64_t begin, std::uint64_t end, int thread,
              NormalEquations& sum) {
            TermAccumulator& own = terms[static_cast<std::size_t>(thread)];
            objective.add_terms(ratings.some(begin, end - begin), fixed, own, sum);
            own.flush(sum);
          },
          [&](std::size_t, const NormalEquations& sum, int) { equations.add(sum); });
  return equations;
}

void lean(const RowMean& mean, const Ridge& ridge, const TrainOptions& options, float* rhs) {
  if (mean.factors == nullptr) return;
  const auto factors = static_cast<std::size_t>(options.factors);
  const auto share = static_cast<float>(mean.strength / (1 + mean.strength));
  for (std::size_t k = 0; k < factors; ++k) rhs[k] += ridge.others * share * mean.factors[k];
  if (options.biases) rhs[factors] += ridge.last * share * mean.bias;
}

FoldedRow fold_in(const RowObjective& objective, const RowRatings& ratings, const BiasedView& fixed,
                  const float* gram, ThreadTeam& team, const RowMean& mean) {
  const TrainOptions& options = objective.options();
  const auto factors = static_cast<std::size_t>(options.factors);
  NormalEquations equations = equations_of(objective, ratings, fixed, gram, team);
  FoldedRow row{std::vector<float>(options.unknowns(), 0.0F)};
  const Ridge ridge = objective.ridge(objective.weight(ratings));
  lean(mean, ridge, options, equations.rhs());
  ExactSolver(options).solve(equations, ridge, row.vector.data());
  if (options.biases) row.bias = row.vector[factors];
  row.vector.resize(factors);
  if (!all_within(row.vector.data(), factors, kMaxFactor) || !all_within(&row.bias, 1, kMaxBias))
    throw_ratings_too_large();
  return row;
}

Factors fold_in_all(const RowObjective& objective, std::size_t n,
                    const std::function<RowRatings(std::size_t i)>& ratings_of,
                    const BiasedView& fixed, const float* gram, ThreadTeam& team,
                    const Factors* means, double strength) {
  const TrainOptions& options = objective.options();
  Factors solved{FactorMatrix(n, static_cast<std::size_t>(options.factors)),
                 std::vector<float>(options.biases ? n : 0)};
  const auto fold = [&](std::size_t i, ThreadTeam& by) {
    RowMean mean;
    if (means != nullptr) mean = {means->matrix.row(i), means->bias_of(i), strength};
    const FoldedRow folded = fold_in(objective, ratings_of(i), fixed, gram, by, mean);
    std::copy(folded.vector.begin(), folded.vector.end(), solved.matrix.row(i));
    if (options.biases) solved.bias[i] = folded.bias;
  };
  const auto is_long = [&](std::size_t i) {
    return ratings_of(i).count * options.unknowns() * options.unknowns() > kLongOperations;
  };
  team.for_each_block(n, 1, [&](std::size_t begin, std::size_t end, int) {
    ThreadTeam alone(1);
    for (std::size_t i = begin; i < end; ++i)
      if (!is_long(i)) fold(i, alone);
  });
  for (std::size_t i = 0; i < n; ++i)
    if (is_long(i)) fold(i, team);
  return solved;
}

}  // namespace als
