#include "core/fold_in/folded_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/linalg/gram.h"
#include "simd_levels.h"
#include "small_problem.h"

namespace als {
namespace {

/// Options of all kinds, some of them for biases, implicit feedback or factors that are not
/// negative.
std::vector<TrainOptions> kinds_of_options() {
  std::vector<TrainOptions> kinds;
  for (const double exponent : {0.0, 0.5, 1.0}) {
    for (const bool nonnegative : {false, true}) {
      for (const Solver solver : {Solver::kDirect, Solver::kConjugateGradients}) {
        if (nonnegative && solver == Solver::kConjugateGradients) continue;
        TrainOptions options;
        options.factors = 18;
        options.reg_exponent = exponent;
        options.nonnegative = nonnegative;
        options.solver = solver;
        kinds.push_back(options);
        options.biases = true;
        kinds.push_back(options);
        options.biases = false;
        options.feedback = Feedback::kImplicit;
        options.alpha = 3;
        kinds.push_back(options);
      }
    }
  }
  return kinds;
}

double length(const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += static_cast<double>(x[k]) * x[k];
  return std::sqrt(sum);
}

// The last half-step of the items, where it is exact, gives what a fold-in of their users' ratings
// gives; one by one and all together.
TEST(FoldIn, GivesTheTrainedItems) {
  at_every_level([] {
    const std::size_t users = 40;
    const std::size_t items = 60;
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(random_ratings(users, items, 0.4, 11), users, items, team);
    int kind = 0;
    for (TrainOptions options : kinds_of_options()) {
      if (options.solver != Solver::kDirect) continue;
      // With next to no ridge, where coordinate descent stands still depends on where it starts.
      if (options.nonnegative) options.regularization = 1;
      SCOPED_TRACE("kind " + std::to_string(kind++));
      Trainer trainer(ratings, options, keys_of(items), team);
      trainer.solve_users();
      trainer.solve_items();
      const NormalEquations gram = gram_of(trainer.users().matrix.view(), team);
      const RowObjective objective(options, trainer.mean(), users);
      const Factors all = fold_in_all(
          objective, ratings.items(),
          [&](std::size_t item) { return ratings_of(ratings.by_item(), item); }, trainer.users(),
          gram.matrix(), team);
      ASSERT_EQ(all.matrix.rows(), items);
      for (std::size_t i = 0; i < items; ++i) {
        const FoldedRow one = fold_in(objective, als::ratings_of(ratings.by_item(), i),
                                      trainer.users(), gram.matrix(), team);
        const float* expected = trainer.items().matrix.row(i);
        std::vector<float> distance(18);
        for (std::size_t k = 0; k < 18; ++k) {
          ASSERT_EQ(one.vector[k], all.matrix.row(i)[k]);
          distance[k] = one.vector[k] - expected[k];
        }
        ASSERT_LE(length(distance.data(), 18), 1e-4 * length(expected, 18) + 1e-6) << i;
        if (options.biases) {
          ASSERT_EQ(one.bias, all.bias[i]);
          ASSERT_NEAR(one.bias, trainer.items().bias[i], 1e-4);
        }
      }
    }
  });
}

// A trained user's own ratings give what training gave him.
TEST(FoldIn, GivesTheTrainedVector) {
  at_every_level([] {
    const std::size_t users = 40;
    const std::size_t items = 60;
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(random_ratings(users, items, 0.4, 11), users, items, team);
    int kind = 0;
    for (const TrainOptions& options : kinds_of_options()) {
      SCOPED_TRACE("kind " + std::to_string(kind++));
      Trainer trainer(ratings, options, keys_of(items), team);
      trainer.solve_users();
      trainer.solve_items();
      trainer.finish();
      const NormalEquations gram = gram_of(trainer.items().matrix.view(), team);
      const RowObjective objective(options, trainer.mean(), items);
      for (std::size_t u = 0; u < users; ++u) {
        FoldedRow row = fold_in(objective, als::ratings_of(ratings.by_user(), u), trainer.items(),
                                gram.matrix(), team);
        const float* expected = trainer.users().matrix.row(u);
        ASSERT_EQ(row.vector.size(), 18U);
        for (std::size_t k = 0; k < 18; ++k) row.vector[k] -= expected[k];
        ASSERT_LE(length(row.vector.data(), 18), 1e-4 * length(expected, 18) + 1e-6) << u;
        const float bias = options.biases ? trainer.users().bias[u] : 0.0F;
        ASSERT_NEAR(row.bias, bias, 1e-4 * std::fabs(bias) + 1e-5) << u;
      }
    }
  });
}

// A row of more ratings than are summed in one go, each of an item of its own.
TEST(FoldIn, TakesLongRows) {
  const std::size_t items = 20000;
  FactorMatrix matrix(items, 1);
  std::vector<std::uint32_t> columns(items);
  std::vector<float> values(items);
  double squares = 0;
  double products = 0;
  for (std::size_t i = 0; i < items; ++i) {
    columns[i] = static_cast<std::uint32_t>(i);
    matrix.row(i)[0] = static_cast<float>(i % 7) - 2.0F;
    values[i] = static_cast<float>(i % 5);
    squares += static_cast<double>(matrix.row(i)[0]) * matrix.row(i)[0];
    products += static_cast<double>(matrix.row(i)[0]) * values[i];
  }
  TrainOptions options;
  options.factors = 1;
  options.regularization = 0.5;
  options.reg_exponent = 1;
  ThreadTeam team(1);
  const BiasedView view(matrix.view(), nullptr);
  const FoldedRow row = fold_in(RowObjective(options, 0.0, items),
                                {columns.data(), values.data(), items}, view, nullptr, team);
  const double expected = products / (squares + 0.5 * items);
  EXPECT_NEAR(row.vector[0], expected, 1e-5 * std::fabs(expected));
}

TEST(FoldIn, NothingGivesZero) {
  ThreadTeam team(1);
  const FactorMatrix matrix(3, 4);
  const BiasedView view(matrix.view(), nullptr);
  TrainOptions options;
  options.factors = 4;
  for (const Feedback feedback : {Feedback::kExplicit, Feedback::kImplicit}) {
    options.feedback = feedback;
    const NormalEquations gram = gram_of(matrix.view(), team);
    const FoldedRow row =
        fold_in(RowObjective(options, 0.0, 3), {nullptr, nullptr, 0}, view, gram.matrix(), team);
    EXPECT_EQ(row.vector, std::vector<float>(4, 0.0F));
    EXPECT_EQ(row.bias, 0.0F);
  }
}

TEST(Gram, IsTheSumOfProducts) {
  at_every_level([] {
    const std::size_t rows = 9000;
    const std::size_t factors = 19;
    FactorMatrix matrix(rows, factors);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < factors; ++k) {
        matrix.row(r)[k] = static_cast<float>((r * 7 + k * k * 5) % 11) - 5.0F;
      }
    }
    for (const int threads : {1, 3}) {
      ThreadTeam team(threads);
      const NormalEquations gram = gram_of(matrix.view(), team);
      for (std::size_t a = 0; a < factors; ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
          double sum = 0;
          for (std::size_t r = 0; r < rows; ++r) {
            sum += static_cast<double>(matrix.row(r)[a]) * matrix.row(r)[b];
          }
          // Sums of whole numbers below 2^24 are exact.
          ASSERT_EQ(gram.at(a, b), sum) << a << " " << b;
        }
      }
    }
  });
}

}  // namespace
}  // namespace als
