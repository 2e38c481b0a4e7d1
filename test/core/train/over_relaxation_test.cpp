// How over-relaxation makes half-steps wait less for each other.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/linalg/conjugate_gradients.h"
#include "core/train/initial_factors.h"
#include "core/train/iterations.h"
#include "core/train/trainer.h"
#include "small_problem.h"

namespace als {
namespace {

// What steps towards the least of f(x) = x^T A x - 2 b^T x have lowered is right beyond it, too.
TEST(OverRelaxation, TakesBackTheSquareOfItsShare) {
  constexpr std::size_t kN = 16;
  const auto diagonal = [](std::size_t k) { return 1.0F + 0.5F * static_cast<float>(k % 5); };
  const auto f = [&](const float* x) {
    double sum = 0;
    for (std::size_t k = 0; k < kN; ++k) sum += diagonal(k) * x[k] * x[k] - 2.0 * x[k];
    return sum;
  };
  for (const float share : {0.0F, 0.3F, 0.6F}) {
    ConjugateGradients gradients(kN);
    float start[kN];
    for (std::size_t k = 0; k < kN; ++k) {
      start[k] = gradients.x()[k] = 0.1F * static_cast<float>(k) - 0.5F;
      gradients.residual()[k] = 1.0F - diagonal(k) * start[k];
      gradients.preconditioner()[k] = 1.0F;
    }
    gradients.start();
    for (int step = 0; step < 2; ++step) {
      for (std::size_t k = 0; k < kN; ++k) {
        gradients.product()[k] -= diagonal(k) * gradients.direction()[k];
      }
      gradients.step();
    }
    gradients.over_relax(start, share);
    EXPECT_NEAR(gradients.lowered(), f(start) - f(gradients.x()), 1e-5 * gradients.lowered());
  }
}

// Ratings of which a few factors explain a part.
Ratings planted_ratings(bool implicit, ThreadTeam& team) {
  constexpr std::size_t kUsers = 600;
  constexpr std::size_t kItems = 300;
  constexpr std::size_t kRank = 12;
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(kUsers * kRank);
  std::vector<float> y(kItems * kRank);
  for (auto* values : {&x, &y}) {
    for (float& value : *values) value = normal(random);
  }
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < kUsers; ++u) {
    for (std::uint32_t i = 0; i < kItems; ++i) {
      float taste = normal(random);
      for (std::size_t k = 0; k < kRank; ++k) taste += 0.4F * x[u * kRank + k] * y[i * kRank + k];
      if (random() % 4 != 0 || (implicit && taste < 0)) continue;
      entries.push_back({u, i, implicit ? 1.0F : 3.5F + taste});
    }
  }
  return ratings_of(entries, kUsers, kItems, team);
}

/// The loss after so many iterations whose half-steps end where the conjugate gradients do.
double loss_without(const Ratings& ratings, const TrainOptions& options, ThreadTeam& team) {
  const double mean = options.biases ? ratings.mean() : 0.0;
  const HalfStep user_step(ratings.by_user(), ratings.items(), options, mean, team);
  const HalfStep item_step(ratings.by_item(), ratings.users(), options, mean, team);
  TrainingWorkspace workspace(options, team, INFINITY);
  Factors users = zero_factors(ratings.users(), options, team);
  Factors items = initial_factors(keys_of(ratings.items()), options, ratings.spread(), team);
  for (int i = 0; i < options.iterations; ++i) {
    user_step.cg_step(items, item_step, workspace, team, users);
    item_step.cg_step(users, user_step, workspace, team, items);
  }
  const HalfStep::Result result = user_step.solve(items, workspace, team, users);
  return result.fit + result.ridge + item_step.ridge(items, team);
}

TEST(OverRelaxation, EightIterationsDoTheWorkOfFifteen) {
  ThreadTeam team(2);
  for (const bool implicit : {false, true}) {
    TrainOptions options;
    options.feedback = implicit ? Feedback::kImplicit : Feedback::kExplicit;
    options.biases = !implicit;
    options.factors = 24;
    options.regularization = options.bias_regularization = implicit ? 0.3 : 0.6;
    options.alpha = 4;
    const Ratings ratings = planted_ratings(implicit, team);
    options.iterations = 15;
    const double expected = loss_without(ratings, options, team);
    options.iterations = 8;
    Trainer trainer(ratings, options, keys_of(ratings.items()), team);
    Iterations iterations(options, trainer);
    while (!iterations.finished()) iterations.iterate();
    EXPECT_LE(iterations.loss().back(), expected) << (implicit ? "implicit" : "explicit");
  }
}

}  // namespace
}  // namespace als
