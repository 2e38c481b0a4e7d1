// Items and users that lean on their features: the joint objective, from its definition. Over 400
// lines, as all cases share it.
#include "core/features/feature_prior.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <vector>

#include "core/fold_in/folded_row.h"
#include "core/linalg/gram.h"
#include "core/train/initial_factors.h"
#include "core/train/trainer.h"
#include "sanitizers.h"
#include "small_problem.h"

namespace als {
namespace {

CompressedRows sparse(const Eigen::MatrixXd& dense) {
  CompressedRows rows;
  rows.offsets.push_back(0);
  for (Eigen::Index r = 0; r < dense.rows(); ++r) {
    for (Eigen::Index c = 0; c < dense.cols(); ++c) {
      if (dense(r, c) == 0) continue;
      rows.columns.push_back(static_cast<std::uint32_t>(c));
      rows.values.push_back(static_cast<float>(dense(r, c)));
    }
    rows.offsets.push_back(rows.columns.size());
  }
  return rows;
}

/// The first one is that of every item; of the others about two of three are zero.
Eigen::MatrixXd random_features(std::size_t items, std::size_t features, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Eigen::MatrixXd dense(items, features);
  for (Eigen::Index r = 0; r < dense.rows(); ++r) {
    for (Eigen::Index c = 0; c < dense.cols(); ++c) {
      dense(r, c) = random() % 3 == 0 ? static_cast<double>(random() % 9) / 4 - 1 : 0.0;
    }
  }
  dense.col(0).setOnes();
  return dense;
}

Eigen::MatrixXd dense(const Factors& factors) {
  const bool biases = !factors.bias.empty();
  const auto n = static_cast<Eigen::Index>(factors.matrix.cols());
  Eigen::MatrixXd result(factors.matrix.rows(), n + (biases ? 1 : 0));
  for (Eigen::Index r = 0; r < result.rows(); ++r) {
    for (Eigen::Index k = 0; k < n; ++k) {
      result(r, k) = factors.matrix.row(static_cast<std::size_t>(r))[k];
    }
    if (biases) result(r, n) = factors.bias[static_cast<std::size_t>(r)];
  }
  return result;
}

std::vector<TrainOptions> kinds_of_options() {
  std::vector<TrainOptions> kinds;
  for (const Solver solver : {Solver::kDirect, Solver::kConjugateGradients}) {
    for (int kind = 0; kind < 4; ++kind) {
      TrainOptions options;
      options.factors = 5;
      options.solver = solver;
      options.regularization = 0.7;
      options.bias_regularization = 0.4;
      options.feature_regularization = 0.5;
      options.feature_strength = 2;
      options.user_feature_strength = 0.5;
      options.biases = kind == 1;
      if (kind == 2) {
        options.feedback = Feedback::kImplicit;
        options.alpha = 3;
      }
      // More than four times the ratings of many rows, which have other solvers then.
      if (kind == 3) options.factors = 40;
      kinds.push_back(options);
    }
  }
  return kinds;
}

struct Case {
  Case(std::size_t users, std::size_t items, std::size_t n_features, ThreadTeam& team)
      : entries(random_ratings(static_cast<std::uint32_t>(users), static_cast<std::uint32_t>(items),
                               0.3, 7)),
        ratings(ratings_of(entries, users, items, team)),
        dense_features(random_features(items, n_features, 3)),
        features(sparse(dense_features), n_features) {}

  std::vector<Entry> entries;
  Ratings ratings;
  Eigen::MatrixXd dense_features;
  FeatureRows features;
};

/// A trainer with these features, where any start.
Trainer trainer_of(const Case& problem, const TrainOptions& options, const FeatureRows* features,
                   ThreadTeam& team) {
  return Trainer(
      problem.ratings, options, zero_factors(problem.ratings.users(), options, team),
      initial_factors(keys_of(problem.ratings.items()), options, problem.ratings.spread(), team),
      team, INFINITY, {nullptr, features});
}

/// The objective in options.h, whose ridge of the items is around B^T f.
class JointObjective {
 public:
  JointObjective(const Case& problem, const TrainOptions& options, double mean)
      : problem_(problem),
        options_(options),
        cells_(problem.entries, problem.ratings.users(), problem.ratings.items(), options, mean) {}

  double weight(std::size_t item) const {
    double sum = 0;
    for (std::size_t u = 0; u < problem_.ratings.users(); ++u) sum += cells_.cell(u, item).weight;
    return std::pow(sum, options_.reg_exponent);
  }

  bool is_rated(std::size_t item) const { return problem_.ratings.by_item().row_size(item) > 0; }

  double mu() const {
    double sum = 0;
    double rated = 0;
    for (std::size_t i = 0; i < problem_.ratings.items(); ++i) {
      if (!is_rated(i)) continue;
      sum += weight(i);
      ++rated;
    }
    return options_.feature_regularization * sum / rated;
  }

  double lambda(Eigen::Index k) const {
    return k < options_.factors ? options_.regularization : options_.bias_regularization;
  }

  double value(const Trainer& trainer) const {
    const Eigen::MatrixXd items = dense(trainer.items());
    const Eigen::MatrixXd b = dense(trainer.item_prior()->weights());
    const double kappa = options_.feature_strength;
    const Eigen::MatrixXd c = b * (1 + kappa) / kappa;
    const Eigen::MatrixXd expected = problem_.dense_features * c;
    double sum = cells_.value(trainer);
    for (Eigen::Index k = 0; k < items.cols(); ++k) {
      // In the place of lambda W^e |y|^2, which cells_ has.
      sum += lambda(k) / (1 + kappa) * kappa * mu() * c.col(k).squaredNorm();
      for (Eigen::Index i = 0; i < items.rows(); ++i) {
        const auto item = static_cast<std::size_t>(i);
        if (!is_rated(item)) continue;
        sum += lambda(k) / (1 + kappa) * kappa * weight(item) *
               (std::pow(items(i, k) - expected(i, k), 2) - std::pow(items(i, k), 2));
      }
    }
    return sum;
  }

  /// The weights that are best for these items.
  Eigen::MatrixXd best_weights(const Eigen::MatrixXd& items) const {
    const Eigen::MatrixXd& f = problem_.dense_features;
    Eigen::VectorXd weights(items.rows());
    for (Eigen::Index i = 0; i < items.rows(); ++i) {
      const auto item = static_cast<std::size_t>(i);
      weights[i] = is_rated(item) ? weight(item) : 0.0;
    }
    Eigen::MatrixXd matrix = f.transpose() * weights.asDiagonal() * f;
    matrix.diagonal().array() += mu();
    const double share = options_.feature_strength / (1 + options_.feature_strength);
    return share * matrix.ldlt().solve(f.transpose() * weights.asDiagonal() * items);
  }

  /// The item's vector that is best for these users and means, with its bias behind it.
  Eigen::VectorXd best_item(const Eigen::MatrixXd& users, std::size_t item,
                            const Eigen::VectorXd& mean_of_item, double mean) const {
    const Eigen::Index n = users.cols();
    Eigen::MatrixXd a = Eigen::MatrixXd::Zero(n, n);
    Eigen::VectorXd b = Eigen::VectorXd::Zero(n);
    for (Eigen::Index u = 0; u < users.rows(); ++u) {
      const Cell& cell = cells_.cell(static_cast<std::size_t>(u), item);
      Eigen::VectorXd z = users.row(u).transpose();
      double target = cell.target;
      if (options_.biases) {
        target -= mean + z[n - 1];
        z[n - 1] = 1;
      }
      a += cell.weight * z * z.transpose();
      b += cell.weight * target * z;
    }
    for (Eigen::Index k = 0; k < n; ++k) {
      const double ridge = lambda(k) * weight(item);
      a(k, k) += ridge;
      b[k] += ridge * mean_of_item[k];
    }
    return a.ldlt().solve(b);
  }

 private:
  const Case& problem_;
  TrainOptions options_;
  NaiveObjective cells_;
};

TEST(FeaturePrior, IsARidgeRegression) {
  ThreadTeam team(1);
  const Case problem(30, 40, 6, team);
  for (const TrainOptions& options : kinds_of_options()) {
    const JointObjective objective(problem, options, 0);
    std::vector<float> weights;
    for (std::size_t i = 0; i < problem.ratings.items(); ++i) {
      weights.push_back(objective.is_rated(i) ? static_cast<float>(objective.weight(i)) : 0.0F);
    }
    Factors items = initial_factors(keys_of(problem.ratings.items()), options, 1, team);
    for (std::size_t i = 0; i < items.bias.size(); ++i) items.bias[i] = items.matrix.row(i)[0] / 2;
    FeaturePrior prior(problem.features, weights, options.feature_regularization,
                       options.feature_strength, static_cast<std::size_t>(options.factors),
                       options.biases, team);
    // From beyond the least ridge, too.
    prior.fit_and_go_on(items, team);
    for (int i = 0; i < 5; ++i) prior.fit(items, team);
    const Eigen::MatrixXd expected = objective.best_weights(dense(items));
    EXPECT_LT((dense(prior.weights()) - expected).norm(), 1e-4 * expected.norm());
  }
}

TEST(FeaturePrior, ItemsAreSolvedAroundTheirMeans) {
  ThreadTeam team(1);
  const Case problem(30, 40, 6, team);
  for (const TrainOptions& options : kinds_of_options()) {
    if (options.solver != Solver::kDirect) continue;
    Trainer trainer = trainer_of(problem, options, &problem.features, team);
    for (int half_step = 0; half_step < 3; ++half_step) {
      trainer.solve_users();
      trainer.solve_items();
    }
    trainer.solve_users();
    const Eigen::MatrixXd users = dense(trainer.users());
    const Eigen::MatrixXd means = dense(trainer.item_prior()->means());
    trainer.solve_items();
    const Eigen::MatrixXd items = dense(trainer.items());
    const JointObjective objective(problem, options, trainer.mean());
    EXPECT_GT(means.norm(), 0.1);
    for (Eigen::Index i = 0; i < items.rows(); ++i) {
      const auto item = static_cast<std::size_t>(i);
      if (!objective.is_rated(item)) continue;
      const Eigen::VectorXd expected =
          objective.best_item(users, item, means.row(i).transpose(), trainer.mean());
      EXPECT_LT((items.row(i).transpose() - expected).norm(), 1e-4 * (1 + expected.norm()));
    }
  }
}

TEST(FeaturePrior, TheLossIsTheJointObjectiveAndNeverRises) {
  for (const bool careful : {false, true}) {
    ThreadTeam team(1);
    const Case problem(careful ? 8 : 30, careful ? 12 : 40, careful ? 20 : 6, team);
    for (TrainOptions options : kinds_of_options()) {
      if (careful) options.regularization = options.bias_regularization = 1e-6;
      Trainer trainer = trainer_of(problem, options, &problem.features, team);
      const JointObjective objective(problem, options, trainer.mean());
      double zero_loss = 0;
      for (const Entry& e : problem.entries) zero_loss += (1 + options.alpha) * e.value * e.value;
      double before = INFINITY;
      for (int half_step = 0; half_step < 40; ++half_step) {
        double loss = 0;
        if (half_step == 39) {
          loss = trainer.finish();
        } else {
          loss = half_step % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        }
        EXPECT_NEAR(loss, objective.value(trainer), 5e-6 * zero_loss);
        EXPECT_LE(loss, before + 5e-6 * zero_loss);
        before = loss;
      }
    }
  }
}

/// By how much of the loss eight iterations are above two hundred.
double left_after_eight(const Case& problem, const TrainOptions& options, ThreadTeam& team) {
  double early = 0;
  double late = 0;
  for (const int iterations : {8, 200}) {
    Trainer trainer = trainer_of(problem, options, &problem.features, team);
    trainer.solve_users();
    for (int i = 0; i < iterations; ++i) {
      trainer.solve_items();
      if (i < iterations - 1) trainer.solve_users();
    }
    (iterations == 8 ? early : late) = trainer.finish();
  }
  return (early - late) / late;
}

TEST(FeaturePrior, StrongOnesConvergeInFewIterations) {
  // Without going on beyond each fit it is .015 and .020 that are left.
  ThreadTeam team(1);
  const Case problem(60, 80, 6, team);
  TrainOptions options;
  options.feedback = Feedback::kImplicit;
  options.solver = Solver::kDirect;
  options.factors = 5;
  options.regularization = 3;
  options.feature_regularization = 3;
  for (const auto& [strength, most] : {std::pair{100.0, 0.007}, std::pair{1000.0, 0.01}}) {
    options.feature_strength = strength;
    EXPECT_LT(left_after_eight(problem, options, team), most);
  }
}

TEST(FeaturePrior, FindsItemsWithoutRatings) {
  // The features are what the items are made of.
  ThreadTeam team(1);
  constexpr std::size_t kUsers = 60;
  constexpr std::size_t kItems = 50;
  constexpr std::size_t kCold = 10;
  const Eigen::MatrixXd features = random_features(kItems, 4, 5);
  std::srand(3);
  std::mt19937_64 random(4);
  const Eigen::MatrixXd truth = Eigen::MatrixXd::Random(kUsers, 4) * features.transpose();
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < kUsers; ++u) {
    for (std::uint32_t i = kCold; i < kItems; ++i) {
      if (random() % 3 == 0) entries.push_back({u, i, static_cast<float>(truth(u, i))});
    }
  }
  const Ratings ratings = ratings_of(entries, kUsers, kItems, team);
  const FeatureRows rows(sparse(features), 4);
  TrainOptions options;
  options.factors = 4;
  options.regularization = 0.02;
  options.feature_regularization = 0.01;
  options.feature_strength = 100;
  Trainer trainer(ratings, options, zero_factors(kUsers, options, team),
                  initial_factors(keys_of(kItems), options, ratings.spread(), team), team, INFINITY,
                  {nullptr, &rows});
  trainer.solve_users();
  for (int i = 0; i < 30; ++i) {
    trainer.solve_items();
    trainer.finish();
  }
  const Factors cold = expected_factors(rows.by_row, trainer.item_prior()->coefficients(), team);
  double error = 0;
  double spread = 0;
  for (std::size_t u = 0; u < kUsers; ++u) {
    for (std::size_t i = 0; i < kCold; ++i) {
      double score = 0;
      for (std::size_t k = 0; k < 4; ++k)
        score += static_cast<double>(trainer.users().matrix.row(u)[k]) * cold.matrix.row(i)[k];
      error += std::pow(score - truth(u, i), 2);
      spread += std::pow(truth(u, i), 2);
    }
  }
  EXPECT_LT(error, 0.02 * spread);
}

TEST(FeaturePrior, FeaturesThatTellNothingChangeNothing) {
  ThreadTeam team(1);
  const Case problem(30, 40, 6, team);
  const FeatureRows none(sparse(Eigen::MatrixXd::Zero(40, 3)), 3);
  for (const TrainOptions& options : kinds_of_options()) {
    Trainer with = trainer_of(problem, options, &none, team);
    Trainer without = trainer_of(problem, options, nullptr, team);
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(with.solve_users() / without.solve_users(), 1, 1e-6);
      EXPECT_NEAR(with.solve_items() / without.solve_items(), 1, 1e-6);
    }
    EXPECT_TRUE(dense(with.users()).isApprox(dense(without.users()), 1e-5));
  }
}

/// Folding in the rows of a side for the other gives the factors that a training has solved.
void expect_folded_in(const CompressedRows& rows, const TrainOptions& options, double strength,
                      double mean, const Factors& fixed, const Factors& expected,
                      const Factors& solved, ThreadTeam& team) {
  const RowObjective objective(options, mean, fixed.matrix.rows());
  const NormalEquations gram = gram_of(fixed.matrix.view(), team);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const RowRatings ratings = ratings_of(rows, i);
    if (ratings.count == 0) continue;
    const float bias = options.biases ? expected.bias[i] : 0.0F;
    const FoldedRow row = fold_in(objective, ratings, fixed, gram.matrix(), team,
                                  {expected.matrix.row(i), bias, strength});
    for (std::size_t k = 0; k < row.vector.size(); ++k) {
      EXPECT_NEAR(row.vector[k], solved.matrix.row(i)[k], 1e-4);
    }
    if (options.biases) {
      EXPECT_NEAR(row.bias, solved.bias[i], 1e-4);
    }
  }
}

TEST(FeaturePrior, RefreshedRowsAreThoseOfATraining) {
  ThreadTeam team(1);
  const Case problem(30, 40, 6, team);
  for (const TrainOptions& options : kinds_of_options()) {
    if (options.solver != Solver::kDirect) continue;
    Trainer trainer = trainer_of(problem, options, &problem.features, team);
    trainer.solve_users();
    trainer.solve_items();
    trainer.solve_users();
    const Factors expected =
        expected_factors(problem.features.by_row, trainer.item_prior()->coefficients(), team);
    const Factors users = trainer.users();
    trainer.solve_items();
    expect_folded_in(problem.ratings.by_item(), options, options.feature_strength, trainer.mean(),
                     users, expected, trainer.items(), team);
  }
}

TEST(FeaturePrior, UsersEndWhereAFoldInPutsThem) {
  ThreadTeam team(1);
  const Case problem(40, 30, 6, team);
  const FeatureRows of_users(sparse(random_features(40, 5, 9)), 5);
  for (const TrainOptions& options : kinds_of_options()) {
    Trainer trainer(problem.ratings, options, zero_factors(40, options, team),
                    initial_factors(keys_of(30), options, problem.ratings.spread(), team), team,
                    INFINITY, {&of_users, &problem.features});
    double before = INFINITY;
    for (int i = 0; i < 10; ++i) {
      for (const double loss : {trainer.solve_users(), trainer.solve_items()}) {
        EXPECT_LE(loss, before * (1 + 1e-5));
        before = loss;
      }
    }
    const double last = trainer.finish();
    EXPECT_LE(last, before * (1 + 1e-5));
    EXPECT_GT(dense(trainer.user_prior()->means()).norm(), 0.1);
    const Factors expected =
        expected_factors(of_users.by_row, trainer.user_prior()->coefficients(), team);
    expect_folded_in(problem.ratings.by_user(), options, options.user_feature_strength,
                     trainer.mean(), trainer.items(), expected, trainer.users(), team);
    // The last loss is of the same objective as those before, the weights' part of it included.
    EXPECT_LE(trainer.solve_users(), last * (1 + 1e-5));
  }
}

TEST(FeaturePrior, BitsDoNotDependOnThreads) {
  ThreadTeam one(1);
  ThreadTeam three(3);
  // More rows of a feature than a segment has, and more features than a block has.
  for (const auto& [items, features] : {std::pair{33000, 3}, std::pair{40, 2100}}) {
    const Case problem(3, items, features, one);
    const std::vector<TrainOptions> kinds = kinds_of_options();
    // A plain one and one of many factors, solved directly, and an implicit one by steps.
    for (std::size_t kind = 0; kind < kinds.size(); kind += kIsSanitized ? 3 : 1) {
      Trainer a = trainer_of(problem, kinds[kind], &problem.features, one);
      Trainer b = trainer_of(problem, kinds[kind], &problem.features, three);
      EXPECT_EQ(a.solve_users(), b.solve_users());
      EXPECT_EQ(a.solve_items(), b.solve_items());
      EXPECT_EQ(dense(a.items()), dense(b.items()));
      EXPECT_EQ(dense(a.item_prior()->weights()), dense(b.item_prior()->weights()));
    }
  }
}

}  // namespace
}  // namespace als
