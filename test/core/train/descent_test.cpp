// The loss never rises, whatever the ratings and the options.
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/fold_in/folded_row.h"
#include "core/linalg/gram.h"
#include "core/train/training_loop.h"
#include "sanitizers.h"
#include "small_problem.h"

namespace als {
namespace {

// By how much a half-step may raise the loss, and what is recorded of it, since rounding factors to
// single precision changes both: as parts of the loss where all factors are zero.
constexpr double kRise = 1e-7;
constexpr double kRecordedRise = 5e-6;

struct Problem {
  std::size_t users;
  std::size_t items;
  std::vector<Entry> entries;
  std::string name;
};

/// Ratings of low rank, of full rank, all the same, or ones and holes in a pattern; some users and
/// items without any, some ratings twice.
Problem random_problem(std::mt19937_64& random) {
  const auto one_of = [&](const std::vector<double>& values) {
    return values[random() % values.size()];
  };
  const std::size_t users = 1 + random() % 40;
  const std::size_t items = 1 + random() % 30;
  const std::size_t rank = 1 + random() % 12;
  const double density = one_of({0.05, 0.3, 0.7, 1});
  const double scale = one_of({1e-6, 1e-3, 1, 1, 1e3, 1e6});
  const std::size_t kind = random() % 4;
  std::normal_distribution<double> normal;
  std::vector<double> u(users * rank);
  std::vector<double> v(items * rank);
  for (double& value : u) value = normal(random);
  for (double& value : v) value = normal(random);
  Problem problem{users,
                  items,
                  {},
                  "kind " + std::to_string(kind) + " of " + std::to_string(users) + " x " +
                      std::to_string(items) + ", rank " + std::to_string(rank) + ", scale " +
                      std::to_string(std::log10(scale))};
  for (std::uint32_t user = 0; user < users; ++user) {
    if (random() % 8 == 0) continue;
    for (std::uint32_t item = 0; item < items; ++item) {
      if (item % 7 == 3 || static_cast<double>(random() % 1000) >= density * 1000) continue;
      double value = 0;
      if (kind == 0) {
        for (std::size_t k = 0; k < rank; ++k) value += u[user * rank + k] * v[item * rank + k];
      } else if (kind == 1) {
        value = static_cast<double>(random() % 9) / 2 + 0.5;
      } else if (kind == 2) {
        value = 3;
      } else {
        if ((user * user * 7 + item * item * 13 + user * item * 3) % 11 >= 4) continue;
        value = 1;
      }
      const Entry entry{user, item, static_cast<float>(value * scale)};
      problem.entries.push_back(entry);
      if (random() % 20 == 0) problem.entries.push_back(entry);
    }
  }
  return problem;
}

std::vector<TrainOptions> kinds_of_options(double regularization, std::mt19937_64& random) {
  std::vector<TrainOptions> kinds;
  for (const bool nonnegative : {false, true}) {
    for (const Solver solver : {Solver::kAuto, Solver::kDirect}) {
      if (nonnegative && solver == Solver::kDirect) continue;
      for (int kind = 0; kind < 3; ++kind) {
        TrainOptions options;
        options.factors = static_cast<int>(1 + random() % 40);
        options.regularization = regularization;
        options.bias_regularization = regularization;
        options.reg_exponent = static_cast<double>(random() % 3) / 2;
        options.solver = solver;
        options.nonnegative = nonnegative;
        options.biases = kind == 1;
        if (kind == 2) options.feedback = Feedback::kImplicit;
        const double alphas[] = {0, 1, 40};
        options.alpha = alphas[random() % 3];
        kinds.push_back(options);
      }
    }
  }
  return kinds;
}

/// The ratings without duplicates.
std::vector<Entry> merged_entries(const Ratings& ratings) {
  const CompressedRows& rows = ratings.by_user();
  std::vector<Entry> merged;
  for (std::uint32_t u = 0; u < rows.rows(); ++u) {
    for (std::uint64_t e = rows.offsets[u]; e < rows.offsets[u + 1]; ++e) {
      merged.push_back({u, rows.columns[e], rows.values[e]});
    }
  }
  return merged;
}

/// The objective where all factors are zero.
double zero_loss_of(const std::vector<Entry>& merged, const Ratings& ratings,
                    const TrainOptions& options) {
  double sum = 0;
  for (const Entry& e : merged) {
    const double residual = e.value - (options.biases ? ratings.mean() : 0.0);
    sum += options.feedback == Feedback::kExplicit ? residual * residual
           : e.value > 0                           ? 1 + options.alpha * e.value
                                                   : 0.0;
  }
  return sum;
}

/// Some half-steps, from where the trainer is.
void check_descent(Trainer& trainer, const NaiveObjective& objective, double zero_loss) {
  double last = objective.value(trainer);
  double last_recorded = INFINITY;
  for (int half = 0; half < 12; ++half) {
    SCOPED_TRACE("half-step " + std::to_string(half));
    const double recorded = half == 11      ? trainer.finish()
                            : half % 2 == 0 ? trainer.solve_users()
                                            : trainer.solve_items();
    const double value = objective.value(trainer);
    ASSERT_TRUE(std::isfinite(value));
    ASSERT_LE(value, last * (1 + 1e-6) + kRise * zero_loss);
    ASSERT_LE(recorded, last_recorded * (1 + 1e-6) + kRecordedRise * zero_loss);
    last = value;
    last_recorded = recorded;
  }
}

/// A training, and then another one that starts from its factors and has other options.
void check_training(const Ratings& ratings, const std::vector<Entry>& merged,
                    const TrainOptions& options, double zero_loss, ThreadTeam& team) {
  const std::size_t users = ratings.users();
  const std::size_t items = ratings.items();
  Trainer trainer(ratings, options, keys_of(items), team);
  check_descent(trainer, NaiveObjective(merged, users, items, options, trainer.mean()), zero_loss);
  if (testing::Test::HasFatalFailure()) return;
  TrainOptions other = options;
  other.regularization = options.regularization > 1e-9 ? 0 : 0.1;
  other.bias_regularization = other.regularization;
  other.solver = options.solver == Solver::kDirect ? Solver::kAuto : Solver::kDirect;
  Trainer warm(ratings, other, trainer.take_users(), trainer.take_items(), team);
  SCOPED_TRACE("warm start");
  check_descent(warm, NaiveObjective(merged, users, items, other, warm.mean()), zero_loss);
}

TEST(Descent, TheLossNeverRises) {
  std::mt19937_64 random(1);
  ThreadTeam team(1);
  for (int n = 0; n < (kIsSanitized ? 4 : 12); ++n) {
    const Problem problem = random_problem(random);
    SCOPED_TRACE("problem " + std::to_string(n) + ": " + problem.name);
    if (problem.entries.empty()) continue;
    const Ratings ratings = ratings_of(problem.entries, problem.users, problem.items, team);
    const std::vector<Entry> merged = merged_entries(ratings);
    for (const double regularization : {0.0, 1e-12, 1e-6, 1e-3, 1.0}) {
      for (const TrainOptions& options : kinds_of_options(regularization, random)) {
        SCOPED_TRACE("regularization " + std::to_string(regularization * 1e12) + "e-12" +
                     " factors " + std::to_string(options.factors) + " direct " +
                     std::to_string(options.solver == Solver::kDirect) + " nonnegative " +
                     std::to_string(options.nonnegative) + " biases " +
                     std::to_string(options.biases) + " implicit " +
                     std::to_string(options.feedback == Feedback::kImplicit));
        check_training(ratings, merged, options, zero_loss_of(merged, ratings, options), team);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Rows too long for a block of work, whose equations are singular: summed in segments, whatever the
// number of threads.
TEST(Descent, LongRowsOfFewItems) {
  const std::uint32_t users = 70000;
  const std::size_t items = 5;
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < users; ++u) {
    entries.push_back({u, 0, static_cast<float>(1 + u % 5)});
    entries.push_back({u, 1 + u % 3, static_cast<float>(1 + u % 2)});
    if (u % 2 == 0) entries.push_back({u, 4, static_cast<float>(1 + u % 3)});
  }
  ThreadTeam one(1);
  ThreadTeam three(3);
  const Ratings ratings = ratings_of(entries, users, items, one);
  for (const Feedback feedback : {Feedback::kExplicit, Feedback::kImplicit}) {
    for (const Solver solver : {Solver::kDirect, Solver::kAuto}) {
      if (kIsSanitized && (feedback == Feedback::kExplicit) != (solver == Solver::kDirect))
        continue;
      TrainOptions options;
      options.feedback = feedback;
      options.solver = solver;
      options.factors = 8;
      options.regularization = 0;
      options.bias_regularization = 0;
      const double zero_loss = zero_loss_of(merged_entries(ratings), ratings, options);
      Trainer trainer(ratings, options, keys_of(items), one);
      Trainer other(ratings, options, keys_of(items), three);
      double last = INFINITY;
      for (int half = 0; half < 4; ++half) {
        const double loss = half % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        ASSERT_EQ(half % 2 == 0 ? other.solve_users() : other.solve_items(), loss);
        ASSERT_LE(loss, last * (1 + 1e-6) + kRecordedRise * zero_loss);
        last = loss;
      }
      EXPECT_LT(last, 1e-3 * zero_loss);
      EXPECT_GT(trainer.refined_rows(), 0U);
      EXPECT_EQ(trainer.refined_rows(), other.refined_rows());
      for (std::size_t i = 0; i < items; ++i) {
        for (int k = 0; k < options.factors; ++k) {
          ASSERT_EQ(trainer.items().matrix.row(i)[k], other.items().matrix.row(i)[k]);
        }
      }
    }
  }
}

/// Of a user, the items held fixed: the loss of the row, and the eigenvalues of its equations.
class UserProblem {
 public:
  UserProblem(const NaiveObjective& objective, const Trainer& trainer, const TrainOptions& options,
              double ridge, std::size_t user)
      : objective_(objective), trainer_(trainer), options_(options), ridge_(ridge), user_(user) {}

  double loss(const FoldedRow& row) const {
    double sum = ridge_ * static_cast<double>(row.bias) * row.bias;
    for (const float value : row.vector) sum += ridge_ * static_cast<double>(value) * value;
    for (std::size_t i = 0; i < trainer_.items().matrix.rows(); ++i) {
      const Cell& cell = objective_.cell(user_, i);
      double error = cell.target - trainer_.mean() - row.bias;
      if (options_.biases) error -= trainer_.items().bias[i];
      for (std::size_t k = 0; k < row.vector.size(); ++k) {
        error -= static_cast<double>(row.vector[k]) * trainer_.items().matrix.row(i)[k];
      }
      sum += cell.weight * error * error;
    }
    return sum;
  }

  bool determined() const {
    const auto n = static_cast<Eigen::Index>(options_.unknowns());
    Eigen::MatrixXd a = ridge_ * Eigen::MatrixXd::Identity(n, n);
    for (std::size_t i = 0; i < trainer_.items().matrix.rows(); ++i) {
      Eigen::VectorXd z = Eigen::VectorXd::Ones(n);
      for (int k = 0; k < options_.factors; ++k) z[k] = trainer_.items().matrix.row(i)[k];
      a += objective_.cell(user_, i).weight * z * z.transpose();
    }
    const Eigen::VectorXd eigenvalues = a.selfadjointView<Eigen::Lower>().eigenvalues();
    return eigenvalues.minCoeff() > 1e-3 * eigenvalues.maxCoeff();
  }

 private:
  const NaiveObjective& objective_;
  const Trainer& trainer_;
  const TrainOptions& options_;
  double ridge_;
  std::size_t user_;
};

// A user folded in is no worse off than with factors of zero, and gets the factors of training
// where the ratings determine them.
TEST(Descent, FoldingInIsADescentToo) {
  std::mt19937_64 random(2);
  ThreadTeam team(1);
  std::size_t determined = 0;
  for (int n = 0; n < 8; ++n) {
    const Problem problem = random_problem(random);
    SCOPED_TRACE("problem " + std::to_string(n) + ": " + problem.name);
    if (problem.entries.empty()) continue;
    const Ratings ratings = ratings_of(problem.entries, problem.users, problem.items, team);
    const std::vector<Entry> merged = merged_entries(ratings);
    for (const double regularization : {0.0, 1e-6, 1e-3, 1.0}) {
      for (const TrainOptions& options : kinds_of_options(regularization, random)) {
        SCOPED_TRACE("regularization " + std::to_string(regularization * 1e12) + "e-12" +
                     " factors " + std::to_string(options.factors));
        Trainer trainer(ratings, options, keys_of(problem.items), team);
        for (int half = 0; half < 4; ++half) {
          half % 2 == 0 ? trainer.solve_users() : trainer.solve_items();
        }
        trainer.finish();
        const NaiveObjective objective(merged, problem.users, problem.items, options,
                                       trainer.mean());
        const RowObjective row_objective(options, trainer.mean(), problem.items);
        const NormalEquations gram = gram_of(trainer.items().matrix.view(), team);
        for (std::size_t u = 0; u < problem.users; ++u) {
          const RowRatings own = ratings_of(ratings.by_user(), u);
          if (own.count == 0) continue;
          const FoldedRow folded =
              fold_in(row_objective, own, trainer.items(), gram.matrix(), team);
          const double ridge = row_objective.ridge(row_objective.weight(own)).others;
          const UserProblem user(objective, trainer, options, ridge, u);
          const double at_zero = user.loss({std::vector<float>(options.factors), 0});
          ASSERT_LE(user.loss(folded), at_zero * (1 + 2e-6)) << u;
          if (!user.determined()) continue;
          ++determined;
          FoldedRow trained{std::vector<float>(options.factors), 0};
          std::copy_n(trainer.users().matrix.row(u), options.factors, trained.vector.begin());
          if (options.biases) trained.bias = trainer.users().bias[u];
          double distance = std::pow(folded.bias - trained.bias, 2);
          double length = std::pow(trained.bias, 2);
          for (int k = 0; k < options.factors; ++k) {
            distance += std::pow(folded.vector[k] - trained.vector[k], 2);
            length += std::pow(trained.vector[k], 2);
          }
          // Where coordinate descent comes to a standstill depends a little on where it starts.
          if (!options.nonnegative) {
            ASSERT_LE(distance, 1e-6 * length) << u;
          }
          ASSERT_NEAR(user.loss(folded), user.loss(trained),
                      (options.nonnegative ? 1e-4 : 1e-6) * at_zero);
        }
      }
    }
  }
  EXPECT_GT(determined, 300U);
}

}  // namespace
}  // namespace als
