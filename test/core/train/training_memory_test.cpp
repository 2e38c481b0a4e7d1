#include "core/train/trainer.h"

#include <gtest/gtest.h>

namespace als {
namespace {

TEST(TrainingMemory, GrowsWithWhatItHolds) {
  TrainOptions options;
  options.factors = 64;
  const auto memory = [&](std::size_t ratings, std::size_t users, int threads) {
    return training_memory(ratings, users, 1000, 0, options, threads);
  };
  EXPECT_GT(memory(20000000, 100000, 2), 20000000U * 17);
  EXPECT_LT(memory(20000000, 100000, 2), 20000000U * 20);
  EXPECT_GT(memory(1000, 200000, 2) - memory(1000, 100000, 2), 100000U * 64 * 4);
  EXPECT_EQ(training_memory(1000, 10, 10, 500, options, 1),
            training_memory(1000, 10, 10, 0, options, 1) + 500);
  TrainOptions large = options;
  large.factors = 1024;
  EXPECT_GT(training_memory(1000, 1000, 1000, 0, large, 8),
            training_memory(1000, 1000, 1000, 0, large, 1));
  EXPECT_GT(training_memory(1000, 1000, 1000, 0, large, 4),
            memory(1000, 1000, 4) + 4 * 1024 * 1024 * 4);
}

}  // namespace
}  // namespace als
