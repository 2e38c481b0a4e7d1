#include "core/fold_in/score_contributions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/linalg/gram.h"
#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "simd_levels.h"
#include "small_problem.h"

namespace als {
namespace {

std::vector<TrainOptions> options_explained() {
  std::vector<TrainOptions> kinds;
  for (const bool nonnegative : {false, true}) {
    TrainOptions options;
    options.factors = 18;
    options.nonnegative = nonnegative;
    kinds.push_back(options);
    options.biases = true;
    kinds.push_back(options);
    options.biases = false;
    options.feedback = Feedback::kImplicit;
    options.alpha = 3;
    kinds.push_back(options);
  }
  return kinds;
}

// The contribution of a rating is what the product loses where h, by which the rating pulls, is
// zero: x is linear in it as long as the same factors are free. And they add up to the product.
TEST(Explain, ContributionsAreWhatRatingsAdd) {
  at_every_level([] {
    const std::size_t users = 20;
    const std::size_t items = 60;
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(random_ratings(users, items, 0.4, 11), users, items, team);
    int kind = 0;
    for (const TrainOptions& options : options_explained()) {
      SCOPED_TRACE("kind " + std::to_string(kind++));
      Trainer trainer(ratings, options, keys_of(items), team);
      trainer.solve_users();
      trainer.solve_items();
      trainer.finish();
      const NormalEquations gram = gram_of(trainer.items().matrix.view(), team);
      const RowObjective objective(options, trainer.mean(), items);
      const CompressedRows& rows = ratings.by_user();
      for (std::size_t u = 0; u < users; ++u) {
        const RowRatings row = als::ratings_of(rows, u);
        const float* y = trainer.items().matrix.row(u);
        const Explanation explanation =
            explain(objective, row, trainer.items(), gram.matrix(), y, team);
        double sum = 0;
        double size = 0;
        for (const double part : explanation.contributions) {
          sum += part;
          size += std::fabs(part);
        }
        ASSERT_EQ(explanation.contributions.size(), row.count);
        const double score = dot(trainer.users().matrix.row(u), y, 18);
        ASSERT_NEAR(sum, score, 1e-5 * size) << u;
        if (options.biases) {
          ASSERT_NEAR(explanation.row.bias, trainer.users().bias[u], 1e-4);
        }

        // With a rating that pulls towards nothing, by the same equations.
        if (options.nonnegative || objective.implicit()) continue;
        const std::size_t e = row.count / 2;
        std::vector<float> values(row.values, row.values + row.count);
        const double bias = options.biases ? trainer.items().bias[row.columns[e]] : 0.0;
        values[e] = static_cast<float>(trainer.mean() + bias);
        const FoldedRow without = fold_in(objective, {row.columns, values.data(), row.count},
                                          trainer.items(), gram.matrix(), team);
        ASSERT_NEAR(explanation.contributions[e], score - dot(without.vector.data(), y, 18),
                    1e-4 * size)
            << u;
      }
    }
  });
}

}  // namespace
}  // namespace als
