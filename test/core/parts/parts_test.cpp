// A training over parts is the training of one machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/evaluate/holdout_metrics.h"
#include "core/linalg/products.h"
#include "core/train/training_loop.h"
#include "parts_in_memory.h"

namespace als {
namespace {

constexpr std::uint32_t kUsers = 300;
constexpr std::uint32_t kItems = 90;

struct Problem {
  std::string name;
  TrainOptions options;
};

std::vector<Problem> problems() {
  std::vector<Problem> all;
  TrainOptions options;
  options.iterations = 5;
  options.factors = 12;
  all.push_back({"explicit", options});
  options.biases = true;
  options.bias_regularization = 3;
  all.push_back({"biases", options});
  options.biases = false;
  options.factors = 17;
  options.reg_exponent = 1;
  options.regularization = 0.05;
  all.push_back({"exponent 1", options});
  options.feedback = Feedback::kImplicit;
  options.alpha = 4;
  options.regularization = 0.02;
  all.push_back({"implicit", options});
  options.reg_exponent = 0;
  options.alpha = 0.5;
  options.regularization = 3;
  all.push_back({"implicit, exponent 0", options});
  return all;
}

TEST(Parts, LossIsThatOfOneMachine) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 1);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  for (const Problem& problem : problems()) {
    TrainingLoop one(ratings, problem.options,
                     start_of_training(ratings, keys_of(kItems), problem.options, team), team);
    while (!one.finished()) one.iterate();
    for (const std::uint32_t parts : {1U, 2U, 4U, 16U}) {
      PartsInMemory many(entries, kUsers, kItems, problem.options, {parts, 23, 40}, team);
      const std::vector<double> loss = train(many, team);
      ASSERT_EQ(loss.size(), one.loss().size());
      for (std::size_t i = 0; i < loss.size(); ++i) {
        // Both end with exact solutions.
        const double most = i + 1 == loss.size() ? 1e-6 : 1e-5;
        EXPECT_NEAR(loss[i] / one.loss()[i], 1, most)
            << problem.name << ", " << parts << " parts, iteration " << i;
      }
    }
  }
}

/// Items around the number of ratings from which one step is enough.
TEST(Parts, LongRowsTakeAsManyStepsAsOnOneMachine) {
  constexpr std::uint32_t kManyUsers = 1200;
  const std::vector<Entry> entries = random_ratings(kManyUsers, kItems, 0.43, 1);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kManyUsers, kItems, team);
  for (const Problem& problem : problems()) {
    TrainingLoop one(ratings, problem.options,
                     start_of_training(ratings, keys_of(kItems), problem.options, team), team);
    while (!one.finished()) one.iterate();
    PartsInMemory many(entries, kManyUsers, kItems, problem.options, {4, 23, 40}, team);
    const std::vector<double> loss = train(many, team);
    for (std::size_t i = 0; i < loss.size(); ++i) {
      EXPECT_NEAR(loss[i] / one.loss()[i], 1, 1e-6) << problem.name << ", iteration " << i;
    }
  }
}

/// They take their one step with the others' last, for which numbers are enough.
TEST(Parts, LongRowsSendNoProducts) {
  constexpr std::uint32_t kManyUsers = 700;
  constexpr std::size_t kShortItems = 5;
  std::vector<Entry> entries = random_ratings(kManyUsers, kItems, 0.9, 1);
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [](const Entry& e) { return e.item < kShortItems && e.user > 99; }),
                entries.end());
  TrainOptions options = problems()[0].options;
  ThreadTeam team(2);
  PartsInMemory many(entries, kManyUsers, kItems, options, {2, 50, 40}, team);
  train(many, team);
  const std::size_t sent = many.sums_bytes(Step::kProduct) / many.steps(Step::kProduct) / 2;
  const std::size_t heads = many.training().slices() * std::size_t{200};
  const std::size_t vectors = static_cast<std::size_t>(options.factors) * sizeof(std::int16_t);
  EXPECT_GT(sent, kShortItems * vectors);
  EXPECT_LT(sent, kShortItems * vectors + heads);
  EXPECT_GT(many.sums_bytes(Step::kCurvature) / many.steps(Step::kCurvature) / 2,
            kItems * sizeof(double));
}

/// The factors make the loss that is reported.
TEST(Parts, LossIsThatOfTheFactors) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 2);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  for (const Problem& problem : problems()) {
    PartsInMemory many(entries, kUsers, kItems, problem.options, {3, 23, 40}, team);
    const std::vector<double> loss = train(many, team);
    const Trainer trainer(ratings, problem.options, many.users(), many.items(), team);
    const NaiveObjective objective(entries, kUsers, kItems, problem.options, many.training().mean);
    EXPECT_NEAR(objective.value(trainer) / loss.back(), 1, 1e-6) << problem.name;
    EXPECT_LT(objective.largest_gradient(trainer, true), 1e-5) << problem.name;
  }
}

bool same_bits(const Factors& a, const Factors& b) {
  const std::size_t n = a.matrix.rows() * a.matrix.stride();
  return a.matrix.rows() == b.matrix.rows() && a.bias == b.bias &&
         std::equal(a.matrix.row(0), a.matrix.row(0) + n, b.matrix.row(0));
}

TEST(Parts, BitsDependOnPartsAlone) {
  // Slices of one block for threads, and of three.
  for (const std::uint32_t slice_items : {40U, 300U}) {
    const std::uint32_t items = 2 * slice_items + 10;
    std::vector<Entry> entries = random_ratings(kUsers, items, 0.2, 3);
    const PartsInMemory::Shape shape{4, 23, slice_items};
    for (const Problem& problem : problems()) {
      ThreadTeam one_thread(1);
      PartsInMemory first(entries, kUsers, items, problem.options, shape, one_thread);
      const std::vector<double> loss = train(first, one_thread);
      std::mt19937_64 random(1);
      std::shuffle(entries.begin(), entries.end(), random);
      ThreadTeam team(3);
      PartsInMemory second(entries, kUsers, items, problem.options, shape, team);
      EXPECT_EQ(loss, train(second, team)) << problem.name;
      EXPECT_TRUE(same_bits(first.users(), second.users())) << problem.name;
      EXPECT_TRUE(same_bits(first.items(), second.items())) << problem.name;
    }
  }
}

/// Ratings of low rank without a ridge, of many factors, or all the same; of any size.
TEST(Parts, LossNeverRises) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  ThreadTeam team(1);
  std::size_t compared = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const auto users = static_cast<std::uint32_t>(2 + random() % 40);
    const auto items = static_cast<std::uint32_t>(1 + random() % 30);
    const std::size_t rank = 1 + random() % 6;
    const double scale = std::pow(10.0, static_cast<double>(random() % 4) * 3 - 6);
    const std::uint64_t density = 1 + random() % 4;
    const std::uint64_t kind = random() % 3;
    std::vector<double> u(users * rank);
    std::vector<double> v(items * rank);
    for (double& value : u) value = normal(random);
    for (double& value : v) value = normal(random);
    std::vector<Entry> entries;
    for (std::uint32_t user = 0; user < users; ++user) {
      for (std::uint32_t item = 0; item < items; ++item) {
        if (item % 7 == 3 || random() % 4 >= density) continue;
        double value = kind == 0 ? 0.0 : kind == 1 ? 3.0 : 0.5 + static_cast<double>(random() % 9);
        for (std::size_t k = 0; kind == 0 && k < rank; ++k) {
          value += u[user * rank + k] * v[item * rank + k];
        }
        entries.push_back({user, item, static_cast<float>(value * scale)});
      }
    }
    TrainOptions options;
    options.iterations = 6;
    options.factors = static_cast<int>(1 + random() % 40);
    options.regularization = random() % 2 == 0 ? 0 : 0.1;
    options.bias_regularization = options.regularization;
    options.reg_exponent = static_cast<double>(random() % 3) / 2;
    const std::uint64_t form = random() % 3;
    options.biases = form == 1;
    if (form == 2) options.feedback = Feedback::kImplicit;
    const double alphas[] = {0, 1, 40};
    options.alpha = alphas[random() % 3];

    PartsInMemory many(entries, users, items, options, {3, 5, 7}, team);
    const std::vector<double> loss = train(many, team);
    double zero_loss = 0;
    for (const Entry& e : entries) {
      const double target = e.value - many.training().mean;
      zero_loss += form != 2 ? target * target : e.value > 0 ? 1 + options.alpha * e.value : 0;
    }
    for (std::size_t i = 1; i < loss.size(); ++i) {
      EXPECT_LE(loss[i], loss[i - 1] + 5e-6 * zero_loss)
          << "trial " << trial << ", form " << form << ", iteration " << i;
    }
    compared += many.steps(Step::kCompare);
  }
  EXPECT_GT(compared, 25U);
}

TEST(Parts, StopsWhereOneMachineDoes) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 5);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  TrainOptions options = problems()[0].options;
  options.iterations = 40;
  options.tolerance = 0.01;
  TrainingLoop one(ratings, options, start_of_training(ratings, keys_of(kItems), options, team),
                   team);
  while (!one.finished()) one.iterate();
  ASSERT_LT(one.iterations(), 40);
  PartsInMemory many(entries, kUsers, kItems, options, {2, 50, 40}, team);
  EXPECT_EQ(train(many, team).size(), one.loss().size());
  EXPECT_EQ(many.steps(Step::kFinish), 1U);
}

TEST(Parts, BeginsWithGivenItems) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 6);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  TrainOptions options = problems()[1].options;
  PartsInMemory before(entries, kUsers, kItems, options, {2, 50, 40}, team);
  const std::vector<double> loss = train(before, team);

  TrainingLoop::State state = start_of_training(ratings, keys_of(kItems), options, team);
  state.items = before.items();
  TrainingLoop one(ratings, options, std::move(state), team);
  one.iterate();
  PartsInMemory many(entries, kUsers, kItems, options, {2, 50, 40}, team);
  many.start_from(before.items());
  const double first = train(many, team).front();
  EXPECT_NEAR(first / one.loss().front(), 1, 1e-5);
  EXPECT_LT(first, loss.front());
}

TEST(Parts, JudgesByRatingsKeptOut) {
  const std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.2, 8);
  ThreadTeam team(2);
  const HoldoutRule rule{0.2, 3, keys_of(kUsers), keys_of(kItems)};
  RatingBuffer rows;
  for (const Entry& e : entries) rows.append(e.user, e.item, e.value);
  const Ratings ratings(std::move(rows), identity(kUsers), identity(kItems), OnDuplicate::kAverage,
                        team, &rule);
  for (const Problem& problem : {problems()[0], problems()[1], problems()[3]}) {
    TrainingLoop one(ratings, problem.options,
                     start_of_training(ratings, keys_of(kItems), problem.options, team), team);
    PartsInMemory many(entries, kUsers, kItems, problem.options, {3, 23, 40, &rule}, team);
    PartsTrainer trainer(many.training(), many.reports(), many, team);
    Iterations iterations(problem.options, trainer);
    while (!one.finished()) {
      one.iterate();
      iterations.iterate();
      const Trainer& alone = one.trainer();
      const bool implicit = problem.options.feedback == Feedback::kImplicit;
      const double expected =
          implicit ? ranking_at(10, ratings.held_out(), ratings.by_user(), keys_of(kUsers),
                                alone.users(), alone.items(), team)
                         .recall
                   : rmse(ratings.held_out(), alone.users(), alone.items(), alone.mean(), team);
      EXPECT_NEAR(trainer.holdout_metric() / expected, 1, implicit ? 0.01 : 1e-4) << problem.name;
    }
  }
}

TEST(Parts, RowsAtRestDoNotTravel) {
  // Each item's equations are solved by one step of these: so the second has no rows.
  std::vector<Entry> entries;
  for (std::uint32_t user = 0; user < 40; ++user) entries.push_back({user, user % 8, 2.0F});
  TrainOptions options;
  options.factors = 1;
  options.iterations = 3;
  ThreadTeam team(1);
  PartsInMemory many(entries, 40, 8, options, {2, 10, 3}, team);
  train(many, team);
  EXPECT_GT(many.steps(Step::kProduct), 0U);
  EXPECT_LT(many.steps(Step::kCurvature), many.steps(Step::kProduct));
}

TEST(Parts, RatingsBeyondSinglePrecisionAreRefused) {
  std::vector<Entry> entries = random_ratings(20, 10, 0.5, 7);
  for (Entry& e : entries) e.value *= 1e37F;
  TrainOptions options;
  options.factors = 4;
  ThreadTeam team(1);
  EXPECT_THROW(
      {
        PartsInMemory many(entries, 20, 10, options, {2, 5, 4}, team);
        train(many, team);
      },
      std::range_error);
}

// What a chunk keeps for its half-steps is of one training.
TEST(Parts, AChunkIsWeighedForEachTraining) {
  ThreadTeam team(2);
  TrainOptions options;
  options.factors = 3;
  options.feedback = Feedback::kImplicit;
  const std::vector<Entry> entries = random_ratings(20, 9, 0.5, 3);
  PartsInMemory parts(entries, 20, 9, options, {1, 20, 9}, team);
  WeighedChunk chunk{ChunkByUser(parts.chunks().begin()->second.by_user)};
  PartsTraining training = parts.training();
  const HalfStep* first = &chunk.half_step(training, team);
  const std::vector<float> ridges = first->ridges();
  EXPECT_GT(ridges[0], 0);
  EXPECT_GT(first->zero_loss(), 0);
  EXPECT_EQ(&chunk.half_step(training, team), first);
  EXPECT_EQ(first->ridges(), ridges);
  training.options.regularization *= 2;
  const std::vector<float> others = chunk.half_step(training, team).ridges();
  for (std::size_t user = 0; user < ridges.size(); ++user)
    EXPECT_FLOAT_EQ(others[user], 2 * ridges[user]) << user;
  training.items = 10;
  EXPECT_THROW(chunk.half_step(training, team), InvalidBytes);
}

/// 9 parts of users with one item each and none in common.
TEST(Parts, ItemsOfOnePartAlone) {
  std::vector<Entry> entries;
  for (std::uint32_t user = 0; user < 45; ++user) {
    entries.push_back({user, user % 9, static_cast<float>(user % 5)});
  }
  TrainOptions options = problems()[0].options;
  ThreadTeam team(1);
  const Ratings ratings = ratings_of(entries, 45, 12, team);
  TrainingLoop one(ratings, options, start_of_training(ratings, keys_of(12), options, team), team);
  while (!one.finished()) one.iterate();
  PartsInMemory many(entries, 45, 12, options, {9, 2, 5}, team);
  EXPECT_NEAR(train(many, team).back() / one.loss().back(), 1, 1e-6);
  for (std::size_t item = 9; item < 12; ++item) {
    EXPECT_EQ(squared_norm(many.items().matrix, item), 0);
  }
}

}  // namespace
}  // namespace als
