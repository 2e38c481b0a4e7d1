// What the scale of explicit ratings, and where they begin, changes: nothing but the unit of
// scores.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "core/fold_in/folded_row.h"
#include "core/train/training_loop.h"
#include "small_problem.h"

namespace als {
namespace {

constexpr std::uint32_t kUsers = 60;
constexpr std::uint32_t kItems = 40;

std::vector<Entry> rescaled(float factor, float shift) {
  std::vector<Entry> entries = random_ratings(kUsers, kItems, 0.4, 3);
  for (Entry& entry : entries) entry.value = factor * entry.value + shift;
  return entries;
}

/// Trained with a lambda in units of the spread, as by default.
class Model {
 public:
  Model(TrainOptions options, float factor, float shift)
      : ratings_(ratings_of(rescaled(factor, shift), kUsers, kItems, team_)) {
    options.factors = 8;
    options.iterations = 5;
    options.regularization *= ratings_.spread();
    options_ = options;
    training_.emplace(ratings_, options_,
                      start_of_training(ratings_, keys_of(kItems), options_, team_), team_);
    while (!training_->finished()) training_->iterate();
  }

  double loss() const { return training_->loss().back(); }

  /// Of all users and items, without the mean.
  std::vector<double> scores() const {
    const Trainer& trainer = training_->trainer();
    std::vector<double> scores;
    for (std::size_t u = 0; u < kUsers; ++u) {
      const float* x = trainer.users().matrix.row(u);
      add_scores(x, options_.biases ? trainer.users().bias[u] : 0.0F, scores);
    }
    return scores;
  }

  /// Of users folded in.
  std::vector<double> folded_scores() {
    const Trainer& trainer = training_->trainer();
    const RowObjective objective(options_, trainer.mean(), kItems);
    std::vector<double> scores;
    for (std::size_t u = 0; u < kUsers; ++u) {
      const FoldedRow row =
          fold_in(objective, ratings_of(ratings_.by_user(), u), trainer.items(), nullptr, team_);
      add_scores(row.vector.data(), row.bias, scores);
    }
    return scores;
  }

 private:
  void add_scores(const float* x, float bias, std::vector<double>& scores) const {
    const Factors& items = training_->trainer().items();
    for (std::size_t i = 0; i < kItems; ++i) {
      double score = bias + (options_.biases ? items.bias[i] : 0.0F);
      for (int k = 0; k < options_.factors; ++k) {
        score += static_cast<double>(x[k]) * items.matrix.row(i)[k];
      }
      scores.push_back(score);
    }
  }

  ThreadTeam team_{1};
  Ratings ratings_;
  TrainOptions options_;
  std::optional<TrainingLoop> training_;
};

std::vector<TrainOptions> all_kinds() {
  std::vector<TrainOptions> kinds;
  for (const Solver solver : {Solver::kAuto, Solver::kDirect}) {
    for (const bool biases : {false, true}) {
      for (const bool nonnegative : {false, true}) {
        if (nonnegative && solver == Solver::kAuto) continue;
        TrainOptions options;
        options.solver = solver;
        options.biases = biases;
        options.nonnegative = nonnegative;
        options.regularization = 0.3;
        options.bias_regularization = 0.3;
        kinds.push_back(options);
      }
    }
  }
  return kinds;
}

/// The scores of `other` are those of `model` times `factor`, within `tolerance` of their size.
void expect_scaled(const std::vector<double>& model, const std::vector<double>& other,
                   double factor, double tolerance) {
  double size = 0;
  for (const double score : model) size += score * score;
  size = std::sqrt(size / static_cast<double>(model.size()));
  for (std::size_t n = 0; n < model.size(); ++n) {
    ASSERT_NEAR(other[n] / factor, model[n], tolerance * size) << n;
  }
}

// With r -> c r, factors grow with the root of c and biases with c, so that the factors' lambda has
// to grow with c, and the biases' not.
TEST(RatingScale, IsThatOfTheScores) {
  for (const TrainOptions& options : all_kinds()) {
    SCOPED_TRACE(testing::Message() << "solver " << static_cast<int>(options.solver) << " biases "
                                    << options.biases << " nonnegative " << options.nonnegative);
    Model model(options, 1, 0);
    for (const float factor : {100.0F, 20.0F, 0.001F, 1e6F, 1e-6F}) {
      Model other(options, factor, 0);
      expect_scaled(model.scores(), other.scores(), factor, 2e-3);
      expect_scaled(model.folded_scores(), other.folded_scores(), factor, 2e-3);
      EXPECT_NEAR(other.loss() / factor / factor, model.loss(), 1e-4 * model.loss());
    }
  }
}

// Powers of four, whose roots are powers of two, change nothing but exponents.
TEST(RatingScale, ThatIsAPowerOfFourLeavesTheBits) {
  for (const TrainOptions& options : all_kinds()) {
    Model model(options, 1, 0);
    for (const float factor : {4.0F, 1024.0F, 1.0F / 65536}) {
      Model other(options, factor, 0);
      const std::vector<double> scores = model.scores();
      const std::vector<double> others = other.scores();
      for (std::size_t n = 0; n < scores.size(); ++n) ASSERT_EQ(others[n], scores[n] * factor);
    }
  }
}

TEST(RatingScale, BiasesTakeUpAShift) {
  for (const TrainOptions& options : all_kinds()) {
    if (!options.biases) continue;
    Model model(options, 1, 0);
    for (const float shift : {-3.0F, 100.0F}) {
      Model other(options, 1, shift);
      expect_scaled(model.scores(), other.scores(), 1, 5e-3);
    }
  }
}

TEST(RatingScale, IsTheirSpread) {
  ThreadTeam team(2);
  const auto spread = [&](const std::vector<Entry>& entries) {
    return ratings_of(entries, 2, 2, team).spread();
  };
  EXPECT_DOUBLE_EQ(spread({{0, 0, 1}, {0, 1, 3}}), 1);
  EXPECT_NEAR(spread({{0, 0, 1e30F}, {0, 1, 3e30F}}) / 1e30, 1, 1e-6);
  EXPECT_NEAR(spread({{0, 0, 1e-30F}, {0, 1, 3e-30F}}) * 1e30, 1, 1e-6);
  // Nothing to tell apart.
  EXPECT_DOUBLE_EQ(spread({{0, 0, 5}, {1, 1, 5}}), 5e-6);
  EXPECT_DOUBLE_EQ(spread({{0, 0, 5}}), 5e-6);
  EXPECT_DOUBLE_EQ(spread({{0, 0, 0}, {1, 1, 0}}), 1);
  EXPECT_DOUBLE_EQ(spread({}), 1);
}

}  // namespace
}  // namespace als
