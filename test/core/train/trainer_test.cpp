// Training as a whole. Over 400 lines, as all cases share small problems and one reference.

#include "core/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/search/top_k.h"
#include "core/train/half_step.h"
#include "descent.h"
#include "sanitizers.h"
#include "simd_levels.h"
#include "small_problem.h"

namespace als {
namespace {

std::vector<TrainOptions> kinds_of_options(int factors) {
  TrainOptions explicit_plain;
  explicit_plain.factors = factors;
  TrainOptions explicit_biases = explicit_plain;
  explicit_biases.biases = true;
  explicit_biases.bias_regularization = 0.3;
  TrainOptions explicit_ridge = explicit_plain;
  explicit_ridge.reg_exponent = 0.0;
  explicit_ridge.regularization = 0.7;
  TrainOptions implicit = explicit_plain;
  implicit.feedback = Feedback::kImplicit;
  implicit.regularization = 0.01;
  implicit.alpha = 3.0;
  TrainOptions implicit_half = implicit;
  implicit_half.reg_exponent = 0.5;
  implicit_half.alpha = 40.0;
  return {explicit_plain, explicit_biases, explicit_ridge, implicit, implicit_half};
}

constexpr Solver kSolvers[] = {Solver::kDirect, Solver::kConjugateGradients};

// Three claims, for all kinds of options at once: the value that a half-step returns is that of the
// objective (within 1e-5), it never rises (but for 1e-6 of rounding), and rows solved exactly are
// at its minimum (gradient within 1e-5 of what it is the sum of).
TEST(Trainer, DescendsOnTheObjective) {
  at_every_level([] {
    const std::size_t users = 70;
    const std::size_t items = 50;
    const std::vector<Entry> entries = random_ratings(users, items, 0.2, 5);
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(entries, users, items, team);
    for (const int factors :
         {1, 8, 15, 16, 20, 64}) {  // with 64 most rows are solved by their dual
      int kind = 0;
      for (TrainOptions options : kinds_of_options(factors)) {
        SCOPED_TRACE("factors " + std::to_string(factors) + " kind " + std::to_string(kind++));
        for (const Solver solver : kSolvers) {
          options.solver = solver;
          Trainer trainer(ratings, options, keys_of(items), team);
          ASSERT_EQ(trainer.cg(), solver == Solver::kConjugateGradients);
          const NaiveObjective objective(entries, users, items, options, trainer.mean());
          ASSERT_NO_FATAL_FAILURE(descend(trainer, objective, 1e-5));
          EXPECT_EQ(trainer.refined_rows(), 0U);
        }
      }
    }
  });
}

TEST(Trainer, MeanIsOnlyForBiases) {
  const std::vector<Entry> entries = random_ratings(20, 20, 0.3, 6);
  ThreadTeam team(1);
  const Ratings ratings = ratings_of(entries, 20, 20, team);
  TrainOptions options;
  options.factors = 2;
  EXPECT_EQ(Trainer(ratings, options, keys_of(20), team).mean(), 0.0);
  options.biases = true;
  const Trainer trainer(ratings, options, keys_of(20), team);
  EXPECT_EQ(trainer.mean(), ratings.mean());
  EXPECT_EQ(trainer.users().bias.size(), 20U);
}

bool same_bits(const Factors& a, const Factors& b) {
  if (a.matrix.rows() != b.matrix.rows() || a.bias.size() != b.bias.size()) return false;
  for (std::size_t row = 0; row < a.matrix.rows(); ++row) {
    if (std::memcmp(a.matrix.row(row), b.matrix.row(row), a.matrix.stride() * sizeof(float)) != 0) {
      return false;
    }
  }
  return std::equal(a.bias.begin(), a.bias.end(), b.bias.begin());
}

TEST(Trainer, GivesTheSameBitsForAnyThreadsAndOrder) {
  at_every_level([] {
    const std::size_t users = 400;
    const std::size_t items = 150;
    std::vector<Entry> entries = random_ratings(users, items, 0.1, 7);
    std::mt19937_64 random(8);
    std::vector<TrainOptions> kinds = kinds_of_options(13);
    for (TrainOptions options : kinds_of_options(20)) {
      options.solver = Solver::kConjugateGradients;
      kinds.push_back(options);
    }
    kinds.push_back(kinds.front());
    kinds.back().nonnegative = true;
    for (const TrainOptions& options : kinds) {
      ThreadTeam one(1);
      const Ratings ratings = ratings_of(entries, users, items, one);
      Trainer expected(ratings, options, keys_of(items), one);
      std::vector<double> losses;
      for (int i = 0; i < 3; ++i) {
        losses.push_back(expected.solve_users());
        losses.push_back(expected.solve_items());
      }
      for (const int threads : {1, 2, 4}) {
        std::shuffle(entries.begin(), entries.end(), random);
        ThreadTeam team(threads);
        const Ratings shuffled = ratings_of(entries, users, items, team);
        Trainer trainer(shuffled, options, keys_of(items), team);
        for (int i = 0; i < 3; ++i) {
          EXPECT_EQ(trainer.solve_users(), losses[2 * i]);
          EXPECT_EQ(trainer.solve_items(), losses[2 * i + 1]);
        }
        EXPECT_TRUE(same_bits(trainer.users(), expected.users()));
        EXPECT_TRUE(same_bits(trainer.items(), expected.items()));
      }
    }
  });
}

TEST(Trainer, InitialFactorsDependOnSeedAndKeyAlone) {
  ThreadTeam team(1);
  TrainOptions options;
  options.factors = 5;
  const Ratings two = ratings_of({{0, 0, 1.0F}, {0, 1, 1.0F}}, 1, 2, team);
  const Ratings three = ratings_of({{0, 0, 1.0F}, {0, 1, 1.0F}, {0, 2, 1.0F}}, 1, 3, team);
  const Trainer a(two, options, {11, 22}, team);
  const Trainer b(three, options, {33, 22, 11}, team);
  const auto row = [](const Trainer& trainer, std::size_t item) {
    const float* from = trainer.items().matrix.row(item);
    return std::vector<float>(from, from + 5);
  };
  EXPECT_EQ(row(a, 0), row(b, 2));
  EXPECT_EQ(row(a, 1), row(b, 1));
  EXPECT_NE(row(a, 0), row(a, 1));
  options.seed = 43;
  const Trainer c(two, options, {11, 22}, team);
  EXPECT_NE(row(a, 0), row(c, 0));
}

TEST(Trainer, EmptyRowsAreZero) {
  for (const TrainOptions& options : kinds_of_options(6)) {
    ThreadTeam team(2);
    const Ratings ratings = ratings_of({{0, 1, 2.0F}, {2, 1, 1.0F}, {2, 3, 4.0F}}, 4, 5, team);
    Trainer trainer(ratings, options, keys_of(5), team);
    trainer.solve_users();
    trainer.solve_items();
    for (const std::size_t user : {1, 3}) {
      for (int k = 0; k < 6; ++k) EXPECT_EQ(trainer.users().matrix.row(user)[k], 0.0F);
    }
    for (const std::size_t item : {0, 2, 4}) {
      for (int k = 0; k < 6; ++k) EXPECT_EQ(trainer.items().matrix.row(item)[k], 0.0F);
      if (options.biases) {
        EXPECT_EQ(trainer.items().bias[item], 0.0F);
      }
    }
  }
}

TEST(Trainer, NoRatingsNoTrouble) {
  for (const TrainOptions& options : kinds_of_options(3)) {
    ThreadTeam team(2);
    const Ratings none = ratings_of({}, 0, 0, team);
    Trainer trainer(none, options, {}, team);
    EXPECT_EQ(trainer.solve_users(), 0.0);
    EXPECT_EQ(trainer.solve_items(), 0.0);
  }
}

// Hardly any loss is left where the ratings can be explained in full: it must be that of the
// objective nevertheless, although a difference of sums of squares would be rounding errors only.
TEST(Trainer, TheLossIsExactWhereLittleIsLeft) {
  at_every_level([] {
    const std::size_t users = 80;
    const std::size_t items = 60;
    std::mt19937_64 random(13);
    std::vector<Entry> entries;
    for (std::uint32_t u = 0; u < users; ++u) {
      for (std::uint32_t i = 0; i < items; ++i) {
        if (random() % 2 == 0) entries.push_back({u, i, std::sin(static_cast<float>(u + i))});
      }
    }
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(entries, users, items, team);
    for (const bool biases : {false, true}) {
      TrainOptions options;
      options.factors = 4;
      options.regularization = 1e-4;
      options.bias_regularization = 1e-4;
      options.biases = biases;
      Trainer trainer(ratings, options, keys_of(items), team);
      const NaiveObjective objective(entries, users, items, options, trainer.mean());
      double last = INFINITY;
      for (int i = 0; i < 20; ++i) {
        const double loss = i % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        const double expected = objective.value(trainer);
        ASSERT_NEAR(loss, expected, 1e-5 * expected);
        ASSERT_LE(loss, last * (1 + 1e-6));
        last = loss;
      }
    }
  });
}

// A ridge that takes nearly all factors to zero: what a row begins with is thousands of times what
// it comes to.
TEST(Trainer, TheLossIsExactWhereFactorsBeginFarTooLong) {
  at_every_level([] {
    ThreadTeam team(1);
    for (int seed = 0; seed < 200; ++seed) {
      std::mt19937_64 random(static_cast<std::uint64_t>(seed));
      const std::size_t users = 1 + random() % 5;
      const std::size_t items = 1 + random() % 5;
      std::vector<Entry> entries;
      double zero = 0;  // the loss of factors that are all zero, about
      for (std::uint32_t u = 0; u < users; ++u) {
        const auto value = static_cast<float>(random() % 128) / 4;
        entries.push_back({u, static_cast<std::uint32_t>(random() % items), value});
        zero += 1 + value + value * value;
      }
      const Ratings ratings = ratings_of(entries, users, items, team);
      TrainOptions options;
      options.factors = static_cast<int>(1 + random() % 3);
      options.feedback = seed % 2 == 0 ? Feedback::kImplicit : Feedback::kExplicit;
      options.biases = options.feedback == Feedback::kExplicit;
      options.regularization = std::pow(10.0, static_cast<double>(random() % 80) / 10 - 1);
      options.bias_regularization = options.regularization;
      Trainer trainer(ratings, options, keys_of(items), team);
      const NaiveObjective objective(entries, users, items, options, trainer.mean());
      for (int i = 0; i < 4; ++i) {
        const double loss = i % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        // After users alone, the ridge of items is most of it.
        const double expected = objective.value(trainer);
        ASSERT_NEAR(loss, expected, 1e-6 * (i == 0 ? expected : 0) + 1e-6 * zero) << seed;
      }
    }
  });
}

// No ridge, and rows whose vectors are fewer than the unknowns: nothing but finite factors, the row
// solves that needed help counted, and the loss still descends.
TEST(Trainer, IllConditionedRowsStayFinite) {
  at_every_level([] {
    const std::size_t users = 60;
    const std::size_t items = 40;
    const std::vector<Entry> entries = random_ratings(users, items, 0.1, 11);
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(entries, users, items, team);
    double squares = 0;
    for (const Entry& e : entries) squares += static_cast<double>(e.value) * e.value;
    std::vector<TrainOptions> kinds;
    for (TrainOptions options : kinds_of_options(24)) {
      if (options.feedback == Feedback::kImplicit) continue;
      options.regularization = 0;
      options.bias_regularization = 0;
      for (const Solver solver : kSolvers) {
        options.solver = solver;
        kinds.push_back(options);
      }
    }
    for (const TrainOptions& options : kinds) {
      Trainer trainer(ratings, options, keys_of(items), team);
      double last = INFINITY;
      for (int half = 0; half < 8; ++half) {
        const double loss = half % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        ASSERT_TRUE(std::isfinite(loss));
        ASSERT_GE(loss, 0);
        ASSERT_LE(loss, last * (1 + 1e-6) + 1e-9 * squares);
        last = loss;
        for (const Factors* side : {&trainer.users(), &trainer.items()}) {
          for (std::size_t row = 0; row < side->matrix.rows(); ++row) {
            for (int k = 0; k < 24; ++k) ASSERT_TRUE(std::isfinite(side->matrix.row(row)[k]));
          }
        }
      }
      // The data can be fitted exactly.
      EXPECT_LT(last, 0.05 * squares);
      EXPECT_GT(trainer.refined_rows(), 0U);
    }
  });
}

// Two steps a half-step lead to as low a loss as exact solutions, if not at once.
TEST(Trainer, ConjugateGradientsKeepUpWithExactSolutions) {
  const std::size_t users = 300;
  const std::size_t items = 200;
  const std::vector<Entry> entries = random_ratings(users, items, 0.2, 17);
  ThreadTeam team(2);
  const Ratings ratings = ratings_of(entries, users, items, team);
  for (TrainOptions options : kinds_of_options(32)) {
    double losses[2];
    for (int s = 0; s < 2; ++s) {
      options.solver = kSolvers[s];
      Trainer trainer(ratings, options, keys_of(items), team);
      trainer.solve_users();
      for (int i = 0; i < 14; ++i) {
        trainer.solve_items();
        trainer.solve_users();
      }
      trainer.solve_items();
      losses[s] = trainer.finish();
    }
    EXPECT_LT(losses[1], 1.01 * losses[0]);
  }
}

// Where the fixed side is too large for a cache, conjugate gradients take long rows in batches, a
// tile of the other side at a time. The loss is still that of the objective, and falls, and the
// bits do not depend on the number of threads.
TEST(Trainer, TakesLongRowsInBatches) {
  const std::size_t users = 70000;
  const std::size_t items = 300;
  std::vector<Entry> entries;
  std::mt19937_64 random(23);
  for (std::uint32_t i = 0; i < items; ++i) {
    const std::size_t count = i % 3 == 0 ? 1500 + random() % 1500 : random() % 300;
    for (std::size_t n = 0; n < count; ++n) {
      entries.push_back({static_cast<std::uint32_t>(random() % users), i,
                         static_cast<float>(random() % 9) / 2.0F + 0.5F});
    }
  }
  TrainOptions options;
  options.factors = 64;
  options.biases = true;
  options.reg_exponent = 1;
  options.regularization = 0.1;
  options.bias_regularization = 0.1;
  std::vector<double> losses[2];
  for (const int threads : {1, 2}) {
    ThreadTeam team(threads);
    const Ratings ratings = ratings_of(entries, users, items, team);
    Trainer trainer(ratings, options, keys_of(items), team);
    ASSERT_TRUE(trainer.cg());
    const CompressedRows& rows = ratings.by_user();
    double last = INFINITY;
    for (int half = 0; half < 4; ++half) {
      const double loss = half % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
      double expected = 0;
      const auto add_ridge = [&](const Factors& side, std::size_t row, double count) {
        double norm = static_cast<double>(side.bias[row]) * side.bias[row];
        for (int k = 0; k < options.factors; ++k) {
          norm += static_cast<double>(side.matrix.row(row)[k]) * side.matrix.row(row)[k];
        }
        expected += options.regularization * count * norm;
      };
      for (std::size_t u = 0; u < users; ++u) {
        add_ridge(trainer.users(), u, static_cast<double>(rows.row_size(u)));
        for (std::uint64_t e = rows.offsets[u]; e < rows.offsets[u + 1]; ++e) {
          const std::uint32_t i = rows.columns[e];
          double error =
              rows.values[e] - trainer.mean() - trainer.users().bias[u] - trainer.items().bias[i];
          for (int k = 0; k < options.factors; ++k) {
            error -= static_cast<double>(trainer.users().matrix.row(u)[k]) *
                     trainer.items().matrix.row(i)[k];
          }
          expected += error * error;
        }
      }
      for (std::size_t i = 0; i < items; ++i) {
        add_ridge(trainer.items(), i, static_cast<double>(ratings.by_item().row_size(i)));
      }
      ASSERT_NEAR(loss, expected, 1e-5 * expected) << half;
      ASSERT_LE(loss, last * (1 + 1e-6)) << half;
      last = loss;
      losses[threads - 1].push_back(loss);
    }
  }
  EXPECT_EQ(losses[0], losses[1]);
}

TEST(Trainer, AutomaticSolver) {
  ThreadTeam team(1);
  const Ratings ratings = ratings_of(random_ratings(20, 20, 0.3, 6), 20, 20, team);
  TrainOptions options;
  EXPECT_TRUE(Trainer(ratings, options, keys_of(20), team).cg());
  options.nonnegative = true;
  EXPECT_FALSE(Trainer(ratings, options, keys_of(20), team).cg());
}

// No factor below zero (biases may be), the loss is that of the objective and falls, and each half-
// step ends where no allowed direction leads down: the gradient of a factor is zero, or the factor
// is and its gradient is not negative.
TEST(Trainer, NonnegativeFactors) {
  at_every_level([] {
    const std::size_t users = 70;
    const std::size_t items = 50;
    const std::vector<Entry> entries = random_ratings(users, items, 0.2, 19);
    ThreadTeam team(2);
    const Ratings ratings = ratings_of(entries, users, items, team);
    for (const int factors : {1, 8, 20}) {
      for (TrainOptions options : kinds_of_options(factors)) {
        options.nonnegative = true;
        Trainer trainer(ratings, options, keys_of(items), team);
        const NaiveObjective objective(entries, users, items, options, trainer.mean());
        double last = INFINITY;
        for (int half = 0; half < 6; ++half) {
          const bool by_user = half % 2 == 0;
          const double loss = by_user ? trainer.solve_users() : trainer.solve_items();
          const double expected = objective.value(trainer);
          ASSERT_NEAR(loss, expected, 1e-5 * expected);
          ASSERT_LE(loss, last * (1 + 1e-6));
          ASSERT_LT(objective.largest_gradient(trainer, by_user), 1e-5);
          last = loss;
          for (const Factors* side : {&trainer.users(), &trainer.items()}) {
            for (std::size_t row = 0; row < side->matrix.rows(); ++row) {
              for (int k = 0; k < factors; ++k) ASSERT_GE(side->matrix.row(row)[k], 0.0F);
            }
          }
        }
        EXPECT_EQ(trainer.refined_rows(), 0U);
      }
    }
  });
}

TEST(Trainer, ReportsRatingsThatAreTooLarge) {
  ThreadTeam team(2);
  for (const float huge : {1e30F, 3e38F}) {
    const Ratings ratings =
        ratings_of({{0, 0, huge}, {0, 1, -huge}, {1, 0, huge}, {1, 1, 1.0F}}, 2, 2, team);
    for (const TrainOptions& options : kinds_of_options(4)) {
      // Finite to the end, or refused: either will do.
      try {
        Trainer trainer(ratings, options, keys_of(2), team);
        for (int i = 0; i < 5; ++i) {
          ASSERT_TRUE(std::isfinite(trainer.solve_users()));
          ASSERT_TRUE(std::isfinite(trainer.solve_items()));
        }
        for (std::size_t row = 0; row < 2; ++row) {
          for (int k = 0; k < 4; ++k)
            ASSERT_TRUE(std::isfinite(trainer.users().matrix.row(row)[k]));
          for (int k = 0; k < 4; ++k)
            ASSERT_TRUE(std::isfinite(trainer.items().matrix.row(row)[k]));
        }
      } catch (const std::range_error& e) {
        EXPECT_NE(std::string(e.what()).find("too large"), std::string::npos);
      }
    }
  }
}

// An item with more ratings than a segment of a direct solution, or a chunk of a cg one: its
// factors must solve its normal equations if they are solved exactly, the loss must be that of the
// objective, and nothing may depend on the number of threads.
TEST(Trainer, SumsLongRows) {
  const std::uint32_t users = 150000;
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < users; ++u) {
    entries.push_back({u, 0, static_cast<float>(u % 5)});
    entries.push_back({u, 1 + u % 3, static_cast<float>(u % 7)});
    if (u % 2 == 0) entries.push_back({u, 4, static_cast<float>(u % 3)});
  }
  std::vector<TrainOptions> kinds;
  int kind = 0;
  for (TrainOptions options : kinds_of_options(3)) {
    for (const Solver solver : kSolvers) {
      if (kIsSanitized && kSolvers[kind % 2] != solver) continue;
      options.solver = solver;
      kinds.push_back(options);
    }
    ++kind;
  }
  ThreadTeam one(1);
  const Ratings ratings = ratings_of(entries, users, 5, one);
  for (const TrainOptions& options : kinds) {
    Trainer expected(ratings, options, keys_of(5), one);
    expected.solve_users();
    const double loss = expected.solve_items();
    const NaiveObjective objective(entries, users, 5, options, expected.mean());
    if (!expected.cg()) {
      EXPECT_LT(objective.largest_gradient(expected, false), 1e-5);
    }
    const double value = objective.value(expected);
    EXPECT_NEAR(loss, value, 2e-5 * value);
    ThreadTeam team(3);
    Trainer trainer(ratings, options, keys_of(5), team);
    trainer.solve_users();
    EXPECT_EQ(trainer.solve_items(), loss);
    EXPECT_TRUE(same_bits(trainer.items(), expected.items()));
  }
}

TEST(Trainer, AnInterruptAbandonsTraining) {
  const std::vector<Entry> entries = random_ratings(100, 100, 0.2, 12);
  ThreadTeam plain(2);
  const Ratings ratings = ratings_of(entries, 100, 100, plain);
  bool wanted = false;
  ThreadTeam team(
      2, [&] { return wanted; }, [] { throw std::runtime_error("cancelled"); });
  TrainOptions options;
  options.factors = 8;
  Trainer trainer(ratings, options, keys_of(100), team);
  EXPECT_NO_THROW(trainer.solve_users());
  wanted = true;
  EXPECT_THROW(trainer.solve_items(), std::runtime_error);
}

// Rows that are taken many at a time, as the users' vectors do not fit a cache, can be left in the
// middle, and begin anew.
TEST(Trainer, ABatchThatWasLeftLeavesNothingBehind) {
  constexpr std::size_t kUsers = 33200;
  const std::vector<Entry> entries = random_ratings(kUsers, 12, 0.1, 12);
  TrainOptions options;
  options.factors = 128;
  ThreadTeam alone(1);
  const Ratings ratings = ratings_of(entries, kUsers, 12, alone);
  Trainer expected(ratings, options, keys_of(12), alone);
  expected.solve_users();
  bool watched = false;
  int looks = 0;
  int interrupts = 0;
  ThreadTeam team(
      1, [&] { return watched && ++looks % 50 == 0; }, [&] { ++interrupts; });
  Trainer trainer(ratings, options, keys_of(12), team);
  trainer.solve_users();
  watched = true;
  EXPECT_EQ(trainer.solve_items(), expected.solve_items());
  EXPECT_GT(interrupts, 0);
  EXPECT_TRUE(same_bits(trainer.items(), expected.items()));
}

}  // namespace
}  // namespace als
