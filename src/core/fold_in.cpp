#include "core/fold_in.h"

#include "core/exact_solver.h"
#include "core/gram.h"
#include "core/segmented_sum.h"

namespace als {

FoldedRow fold_in(const RowObjective& objective, const RowRatings& ratings, const BiasedView& fixed,
                  const float* gram, ThreadTeam& team) {
  const TrainOptions& options = objective.options();
  const auto factors = static_cast<std::size_t>(options.factors);
  NormalEquations equations(options.unknowns());
  objective.start_equations(gram, equations);

  // In segments, because a row may have as many ratings as the other side has rows.
  std::vector<TermAccumulator> terms(static_cast<std::size_t>(team.threads()),
                                     TermAccumulator(factors, options.biases));
  SegmentedSum(options.unknowns(), team)
      .run(
          {ratings.count}, gram_segment_size(options.unknowns()),
          [&](std::size_t, std::uint64_t begin, std::uint64_t end, int thread,
              NormalEquations& sum) {
            TermAccumulator& own = terms[static_cast<std::size_t>(thread)];
            objective.add_terms({ratings.columns + begin, ratings.values + begin, end - begin},
                                fixed, own, sum);
            own.flush(sum);
          },
          [&](std::size_t, const NormalEquations& sum, int) { equations.add(sum); });

  FoldedRow row{std::vector<float>(options.unknowns(), 0.0F)};
  const float ridge = objective.ridge(objective.weight(ratings.values, ratings.count));
  ExactSolver(options).solve(equations, ridge, row.vector.data());
  if (options.biases) row.bias = row.vector[factors];
  row.vector.resize(factors);
  return row;
}

}  // namespace als
