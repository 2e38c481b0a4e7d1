// Steps that were forged with care, and numbers for which there is no memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "core/pieces/step_head.h"
#include "parts_in_memory.h"

namespace als {
namespace {

TrainOptions few_options() {
  TrainOptions options;
  options.factors = 3;
  options.iterations = 1;
  return options;
}

/// Gives each slice, before the step that is meant for it, one of the users with the same numbers.
class WrongStep : public PartsInMemory {
 public:
  using PartsInMemory::PartsInMemory;

  Bytes step_items(const Bytes& step) override {
    const Bytes slice = slices()[0];
    Bytes reports = PartsInMemory::step_items(step);
    for (const Step wrong : {Step::kUsers, Step::kFinish}) {
      StepHead head = StepHead::read(step);
      head.step = wrong;
      if (wrong == Step::kFinish) {
        head.items_turn.clear();
        head.eigenvalues.clear();
        head.mean_squares.clear();
      }
      ThreadTeam team(1);
      EXPECT_THROW(step_slice(slice, head.bytes(), last_sums(), team), InvalidBytes);
      ++tried;
    }
    return reports;
  }

  int tried = 0;
};

TEST(PartsLimits, AStepOfTheUsersIsNoneOfTheItems) {
  ThreadTeam team(1);
  WrongStep parts(random_ratings(8, 9, 0.8, 1), 8, 9, few_options(), {2, 2, 5}, team);
  train(parts, team);
  EXPECT_GT(parts.tried, 0);
}

// A few bytes could otherwise ask for hundreds of gigabytes.
TEST(PartsLimits, ItemsThatNoMemoryIsTakenFor) {
  PartsTraining training;
  training.options = few_options();
  training.slice_items = 1000;
  training.items = kMaxPartsItems;
  EXPECT_NO_THROW(PartsTraining::read(training.bytes()));
  training.items = kMaxPartsItems + 1;
  EXPECT_THROW(PartsTraining::read(training.bytes()), InvalidBytes);

  ThreadTeam team(1);
  EXPECT_THROW(make_chunk({0, 0}, {}, {0}, kMaxPartsItems + 1, OnDuplicate::kAverage, team),
               InvalidBytes);
}

}  // namespace
}  // namespace als
