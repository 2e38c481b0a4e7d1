#include "core/tune/tuner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/tune/hyperparameter_space.h"
#include "small_problem.h"

namespace als {
namespace {

std::vector<std::pair<std::size_t, int>> pairs_of(const std::vector<Rung>& rungs) {
  std::vector<std::pair<std::size_t, int>> pairs;
  pairs.reserve(rungs.size());
  for (const Rung& rung : rungs) pairs.emplace_back(rung.trials, rung.iterations);
  return pairs;
}

TEST(SuccessiveHalving, ThirdsTheTrialsAndTreblesTheIterations) {
  using Pairs = std::vector<std::pair<std::size_t, int>>;
  EXPECT_EQ(pairs_of(successive_halving(16, 15)), (Pairs{{16, 2}, {6, 5}, {2, 15}}));
  EXPECT_EQ(pairs_of(successive_halving(27, 27)), (Pairs{{27, 2}, {9, 3}, {3, 9}, {2, 27}}));
  EXPECT_EQ(pairs_of(successive_halving(6, 15)), (Pairs{{6, 5}, {2, 15}}));
  EXPECT_EQ(pairs_of(successive_halving(3, 15)), (Pairs{{3, 5}, {2, 15}}));
  // Nothing to choose among, or no time for it.
  EXPECT_EQ(pairs_of(successive_halving(2, 15)), (Pairs{{2, 15}}));
  EXPECT_EQ(pairs_of(successive_halving(1, 15)), (Pairs{{1, 15}}));
  EXPECT_EQ(pairs_of(successive_halving(100, 2)), (Pairs{{100, 2}}));
  EXPECT_EQ(pairs_of(successive_halving(100, 1)), (Pairs{{100, 1}}));
  EXPECT_EQ(pairs_of(successive_halving(100, 3)), (Pairs{{100, 2}, {34, 3}}));
}

TEST(SuccessiveHalving, CostsLittle) {
  for (const std::size_t trials : {12, 16, 50, 1000}) {
    for (const int iterations : {10, 15, 100}) {
      std::size_t sum = 0;
      int before = 0;
      for (const Rung& rung : successive_halving(trials, iterations)) {
        sum += rung.trials * static_cast<std::size_t>(rung.iterations - before);
        before = rung.iterations;
      }
      EXPECT_LT(static_cast<double>(sum), 0.4 * static_cast<double>(trials) * iterations)
          << trials << " trials, " << iterations << " iterations";
    }
  }
}

HyperparameterSpace::Dimension values(std::vector<double> of) {
  return {std::move(of), 0, 0, false, false};
}

TEST(HyperparameterSpace, CombinesAllValues) {
  HyperparameterSpace space;
  space.add(values({1, 2}));
  space.add(values({5, 6, 7}));
  EXPECT_FALSE(space.has_ranges());
  EXPECT_EQ(space.combinations(100), 6U);
  EXPECT_EQ(space.combinations(5), 6U);
  EXPECT_EQ(space.grid(), (std::vector<HyperparameterSpace::Point>{
                              {1, 5}, {1, 6}, {1, 7}, {2, 5}, {2, 6}, {2, 7}}));
  for (int i = 0; i < 60; ++i) space.add(values({1, 2, 3, 4}));
  EXPECT_EQ(space.combinations(1000), 1001U);
}

TEST(HyperparameterSpace, SamplesDistinctPointsWithinBounds) {
  HyperparameterSpace space;
  space.add({{}, 0.001, 1, true, false});
  space.add({{}, 8, 64, false, true});
  space.add(values({0, 1}));
  EXPECT_TRUE(space.has_ranges());
  const std::vector<HyperparameterSpace::Point> points = space.sample(300, 1);
  ASSERT_EQ(points.size(), 300U);
  EXPECT_EQ(points, space.sample(300, 1));
  EXPECT_NE(points, space.sample(300, 2));
  int below = 0;
  int ones = 0;
  double factors = 0;
  for (const HyperparameterSpace::Point& point : points) {
    EXPECT_GE(point[0], 0.001);
    EXPECT_LE(point[0], 1);
    EXPECT_GE(point[1], 8);
    EXPECT_LE(point[1], 64);
    EXPECT_EQ(point[1], std::round(point[1]));
    below += point[0] < 0.0316 ? 1 : 0;
    ones += point[2] == 1 ? 1 : 0;
    factors += point[1] / 300;
  }
  EXPECT_NEAR(below, 150, 40);
  EXPECT_NEAR(ones, 150, 40);
  EXPECT_NEAR(factors, 36, 4);

  HyperparameterSpace few;
  few.add({{}, 1, 3, false, true});
  few.add(values({7, 8}));
  EXPECT_EQ(few.sample(100, 1).size(), 6U);
}

class TunerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kUsers = 60;
  static constexpr std::size_t kItems = 40;

  TunerTest()
      : team_(2),
        ratings_(ratings_of(random_ratings(kUsers, kItems, 0.3, 5), kUsers, kItems, team_)),
        keys_(keys_of(kItems)) {
    for (const double regularization : {0.5, 0.01, 0.1, 0.2, 0.05, 2.0, 0.02, 1.0, 0.3, 0.001}) {
      TrainOptions options;
      options.factors = 5;
      options.iterations = 9;
      options.regularization = regularization;
      options.reg_exponent = 1;
      options_.push_back(options);
    }
  }

  // The objective's fit stands for a metric.
  double evaluate(const Trainer& trainer) {
    double sum = 0;
    for (std::size_t u = 0; u < kUsers; ++u) {
      const float* row = trainer.users().matrix.row(u);
      sum += std::accumulate(row, row + trainer.users().matrix.cols(), 0.0);
    }
    return std::abs(sum - 20);
  }

  Tuner tuner(std::size_t memory, bool more_is_better = false) {
    return Tuner(ratings_, keys_, options_, more_is_better, memory,
                 {[](const TrainOptions&) { return ThreadTeam(2); },
                  [this](const Trainer& trainer, ThreadTeam&) { return evaluate(trainer); },
                  [this](std::size_t, int) { ++iterations_; },
                  [this] { return ++asked_ >= trials_in_time_; }},
                 features_);
  }

  double trained_alone(const TrainOptions& options, int iterations) {
    TrainingLoop training(ratings_, options, start_of_training(ratings_, keys_, options, team_),
                          team_, features_);
    while (!training.finished() && training.iterations() < iterations) training.iterate();
    return evaluate(training.trainer());
  }

  ThreadTeam team_;
  Ratings ratings_;
  std::vector<std::uint64_t> keys_;
  std::vector<TrainOptions> options_;
  SideFeatures features_;
  int iterations_ = 0;
  int asked_ = 0;
  int trials_in_time_ = 1 << 30;
};

TEST_F(TunerTest, RanksTrialsByWhatTheyComeToAlone) {
  Tuner all = tuner(std::size_t{1} << 30);
  const std::vector<Rung> rungs = successive_halving(options_.size(), 9);
  ASSERT_EQ(pairs_of(rungs), (std::vector<std::pair<std::size_t, int>>{{10, 2}, {4, 3}, {2, 9}}));
  all.run(rungs);
  EXPECT_EQ(all.repeated(), 0U);
  EXPECT_EQ(iterations_, 10 * 2 + 4 + 2 * 6);
  EXPECT_EQ(all.iterations(rungs), iterations_);
  std::vector<const Tuner::Trial*> by_rank(options_.size(), nullptr);
  for (const Tuner::Trial& trial : all.trials()) {
    ASSERT_EQ(by_rank.at(trial.rank - 1), nullptr);
    by_rank[trial.rank - 1] = &trial;
    EXPECT_EQ(trial.value, trained_alone(trial.options, trial.iterations));
    EXPECT_EQ(trial.iterations, rungs[trial.rung].iterations);
    EXPECT_FALSE(trial.state.has_value());
  }
  for (std::size_t n = 1; n < by_rank.size(); ++n) {
    EXPECT_GE(by_rank[n - 1]->rung, by_rank[n]->rung);
    if (by_rank[n - 1]->rung == by_rank[n]->rung) {
      EXPECT_LE(by_rank[n - 1]->value, by_rank[n]->value);
    }
  }

  // Without room for trials put aside each is begun again, and comes to the same.
  Tuner none = tuner(0);
  none.run(rungs);
  EXPECT_EQ(none.repeated(), 6U);
  const std::size_t one_state = (kUsers + kItems) * 16 * sizeof(float);
  Tuner two = tuner(2 * one_state);
  two.run(rungs);
  EXPECT_EQ(two.repeated(), 2U);
  for (std::size_t t = 0; t < options_.size(); ++t) {
    for (const Tuner* other : {&none, &two}) {
      EXPECT_EQ(all.trials()[t].rank, other->trials()[t].rank);
      EXPECT_EQ(all.trials()[t].value, other->trials()[t].value);
    }
  }
}

/// Row r has feature 0, and one of the others.
FeatureRows some_features(std::size_t rows, std::size_t features) {
  CompressedRows by_row;
  by_row.offsets.push_back(0);
  for (std::size_t row = 0; row < rows; ++row) {
    by_row.columns.insert(by_row.columns.end(),
                          {0, static_cast<std::uint32_t>(1 + row % (features - 1))});
    by_row.values.insert(by_row.values.end(), {1.0F, 0.5F});
    by_row.offsets.push_back(by_row.columns.size());
  }
  return {std::move(by_row), features};
}

// Put aside, a trial keeps the weights of its features, too.
TEST_F(TunerTest, TrialsWithFeaturesGoOnInTheSameBits) {
  const FeatureRows of_users = some_features(kUsers, 4);
  const FeatureRows of_items = some_features(kItems, 6);
  for (const Solver solver : {Solver::kDirect, Solver::kConjugateGradients}) {
    for (std::size_t t = 0; t < options_.size(); ++t) {
      options_[t].solver = solver;
      options_[t].biases = t % 2 == 1;
      options_[t].feature_strength = 5;
    }
    const double without = trained_alone(options_[0], 9);
    features_ = {&of_users, &of_items};
    EXPECT_NE(trained_alone(options_[0], 9), without);
    for (const std::size_t memory : {std::size_t{0}, std::size_t{1} << 30}) {
      Tuner tuned = tuner(memory);
      tuned.run(successive_halving(options_.size(), 9));
      for (const Tuner::Trial& trial : tuned.trials()) {
        EXPECT_EQ(trial.value, trained_alone(trial.options, trial.iterations));
      }
    }
    features_ = {};
  }
}

// Out of time, what has been done counts: the best go on first, and rank before those that did not.
TEST_F(TunerTest, EndsWhenTimeIsOut) {
  const std::vector<Rung> rungs = successive_halving(options_.size(), 9);
  Tuner whole = tuner(std::size_t{1} << 30);
  whole.run({{options_.size(), 2}});
  for (const int in_time : {1, 4, 10, 11, 14, 15}) {
    SCOPED_TRACE(in_time);
    asked_ = 0;
    trials_in_time_ = in_time;
    Tuner cut = tuner(std::size_t{1} << 30);
    cut.run(rungs);
    EXPECT_EQ(asked_, in_time);
    int begun = 0;
    std::size_t best = 0;
    for (std::size_t t = 0; t < options_.size(); ++t) {
      const Tuner::Trial& trial = cut.trials()[t];
      begun += trial.iterations > 0 ? 1 : 0;
      if (trial.rank == 1) best = t;
      if (trial.iterations == 0) {
        EXPECT_GT(trial.rank, static_cast<std::size_t>(in_time));
      }
    }
    EXPECT_EQ(begun, std::min(in_time, 10));
    if (in_time == 1) {
      EXPECT_EQ(best, 0U);
    }
    if (in_time == 10 || in_time == 11) {
      EXPECT_EQ(whole.trials()[best].rank, 1U);
    }
  }
}

TEST_F(TunerTest, MoreMayBeBetter) {
  Tuner tuned = tuner(std::size_t{1} << 30, true);
  tuned.run({{options_.size(), 9}});
  for (const Tuner::Trial& a : tuned.trials()) {
    for (const Tuner::Trial& b : tuned.trials()) {
      if (a.rank < b.rank) {
        EXPECT_GE(a.value, b.value);
      }
    }
  }
}

// Trials of fewer iterations than a rung has are done before, with the value that they ended with.
TEST_F(TunerTest, TrialsMayAskForDifferentIterations) {
  options_.resize(4);
  options_[1].iterations = 1;
  options_[2].iterations = 4;
  options_[3].tolerance = 0.5;
  Tuner tuned = tuner(std::size_t{1} << 30);
  tuned.run({{4, 2}, {4, 9}});
  EXPECT_EQ(tuned.trials()[0].iterations, 9);
  EXPECT_EQ(tuned.trials()[1].iterations, 1);
  EXPECT_EQ(tuned.trials()[2].iterations, 4);
  EXPECT_LT(tuned.trials()[3].iterations, 9);
  for (const Tuner::Trial& trial : tuned.trials()) {
    EXPECT_EQ(trial.value, trained_alone(trial.options, 9));
  }
}

TEST_F(TunerTest, TrialsThatOverflowComeLast) {
  Tuner tuned(ratings_, keys_, options_, false, std::size_t{1} << 30,
              {[](const TrainOptions&) { return ThreadTeam(1); },
               [this](const Trainer& trainer, ThreadTeam&) { return evaluate(trainer); },
               [](std::size_t trial, int) {
                 if (trial == 2) throw std::range_error("overflow");
               }});
  tuned.run(successive_halving(options_.size(), 9));
  EXPECT_EQ(tuned.trials()[2].rank, options_.size());
  EXPECT_TRUE(std::isnan(tuned.trials()[2].value));
}

}  // namespace
}  // namespace als
