#include "core/train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/linalg/products.h"
#include "core/search/top_k.h"
#include "small_problem.h"

namespace als {
namespace {

// Does training find what is known to be there?

// Ratings of known factors plus noise: on cells not shown, the error must come down to little more
// than the noise.
TEST(PlantedFactors, AreRecoveredFromRatings) {
  const std::size_t users = 400;
  const std::size_t items = 200;
  const double noise = 0.1;
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  for (const bool biases : {false, true}) {
    const int rank = 3;
    std::vector<double> x(users * rank);
    std::vector<double> y(items * rank);
    std::vector<double> user_bias(users);
    std::vector<double> item_bias(items);
    for (auto* values : {&x, &y, &user_bias, &item_bias}) {
      for (double& value : *values) value = normal(random);
    }
    std::vector<Entry> shown;
    std::vector<Entry> hidden;
    for (std::uint32_t u = 0; u < users; ++u) {
      for (std::uint32_t i = 0; i < items; ++i) {
        if (random() % 10 >= 4) continue;
        double r = noise * normal(random);
        for (int k = 0; k < rank; ++k) r += x[u * rank + k] * y[i * rank + k];
        if (biases) r += 3.5 + user_bias[u] + item_bias[i];
        (random() % 4 == 0 ? hidden : shown).push_back({u, i, static_cast<float>(r)});
      }
    }
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(shown, users, items, team);
    TrainOptions options;
    options.factors = rank;
    options.regularization = 0.001;
    options.bias_regularization = 0.001;
    options.biases = biases;
    Trainer trainer(ratings, options, keys_of(items), team);
    for (int i = 0; i < 30; ++i) {
      trainer.solve_users();
      trainer.solve_items();
    }
    const NaiveObjective objective(shown, users, items, options, trainer.mean());
    double square = 0;
    for (const Entry& e : hidden) {
      const double error = e.value - objective.score(trainer, e.user, e.item);
      square += error * error;
    }
    EXPECT_LT(std::sqrt(square / static_cast<double>(hidden.size())), 1.15 * noise) << biases;
  }
}

// Users and items belong to one of eight groups, and users take to items of their group: those not
// shown must come before nearly all others.
TEST(PlantedFactors, RankWhatUsersTakeToFirst) {
  const std::uint32_t users = 320;
  const std::uint32_t items = 160;
  std::mt19937_64 random(10);
  std::vector<Entry> shown;
  std::vector<std::vector<std::uint32_t>> hidden(users);
  std::vector<std::vector<bool>> is_shown(users, std::vector<bool>(items));
  for (std::uint32_t u = 0; u < users; ++u) {
    for (std::uint32_t i = u % 8; i < items; i += 8) {
      if (random() % 2 == 0) {
        shown.push_back({u, i, 1.0F + static_cast<float>(random() % 3)});
        is_shown[u][i] = true;
      } else {
        hidden[u].push_back(i);
      }
    }
  }
  for (int noise = 0; noise < 300; ++noise) {
    const auto u = static_cast<std::uint32_t>(random() % users);
    const auto i = static_cast<std::uint32_t>(random() % items);
    if (i % 8 == u % 8) continue;
    shown.push_back({u, i, 1.0F});
    is_shown[u][i] = true;
  }
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(shown, users, items, team);
  TrainOptions options;
  options.feedback = Feedback::kImplicit;
  options.factors = 8;
  options.regularization = 0.01;
  options.alpha = 5;
  Trainer trainer(ratings, options, keys_of(items), team);
  for (int i = 0; i < 15; ++i) {
    trainer.solve_users();
    trainer.solve_items();
  }
  std::size_t found = 0;
  std::size_t wanted = 0;
  std::vector<float> scores(items);
  for (std::uint32_t u = 0; u < users; ++u) {
    score_all(trainer.items().matrix.view(), nullptr, 0.0F, trainer.users().matrix.row(u),
              scores.data());
    TopK top(hidden[u].size());
    for (std::uint32_t i = 0; i < items; ++i) {
      if (!is_shown[u][i]) top.offer(i, scores[i]);
    }
    wanted += hidden[u].size();
    for (const ScoredItem& scored : top.take()) found += scored.item % 8 == u % 8 ? 1 : 0;
  }
  EXPECT_GT(static_cast<double>(found), 0.97 * static_cast<double>(wanted));
}

}  // namespace
}  // namespace als
