// A training over parts is the training of one machine.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/train/training_loop.h"
#include "parts_in_memory.h"

namespace als {
namespace {

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

std::vector<double> train(PartsInMemory& parts, ThreadTeam& team) {
  PartsTrainer trainer(parts.training(), parts.reports(), parts, team);
  Iterations iterations(parts.training().options, trainer);
  while (!iterations.finished()) iterations.iterate();
  return iterations.loss();
}

TEST(Parts, LossIsThatOfOneMachine) {
  constexpr std::uint32_t kUsers = 300;
  constexpr std::uint32_t kItems = 90;
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
        const double relative = loss[i] / one.loss()[i] - 1;
        EXPECT_NEAR(relative, 0, 1e-5)
            << problem.name << ", " << parts << " parts, iteration " << i;
        printf("%s %u %zu %.10g %g\n", problem.name.c_str(), parts, i, loss[i], relative);
      }
    }
  }
}

}  // namespace
}  // namespace als
