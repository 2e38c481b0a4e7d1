// Steps that were forged with care, and numbers for which there is no memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "core/parts/block_contents.h"
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

/// Gives each slice in the middle of a half-step lengths along directions that it has not got.
class WrongLengths : public PartsInMemory {
 public:
  using PartsInMemory::PartsInMemory;

  Bytes step_items(const Bytes& step) override {
    Bytes reports = PartsInMemory::step_items(step);
    SliceState state = SliceState::read(slices()[0]);
    if (!state.report.at_rest() && state.rows.product_direction.matrix.rows() == 0) {
      state.rows.lengths[0].product = 1;
      EXPECT_THROW(SliceState::read(state.bytes()), InvalidBytes);
      ++tried;
    }
    return reports;
  }

  int tried = 0;
};

TEST(PartsLimits, LengthsAlongNoDirections) {
  ThreadTeam team(1);
  WrongLengths parts(random_ratings(8, 9, 0.8, 1), 8, 9, few_options(), {2, 2, 5}, team);
  train(parts, team);
  EXPECT_GT(parts.tried, 0);
}

// Found by search: the key is no secret, and no more than a checksum.
TEST(PartsLimits, ATwinOfTheSameKey) {
  PartsTraining small;
  small.options.factors = 16;
  small.options.iterations = 5;
  small.options.biases = false;
  small.options.alpha = 1;
  small.options.reg_exponent = 1;
  small.options.regularization = small.options.bias_regularization = 0.1;
  small.options.tolerance = 0;
  small.options.seed = 42;
  small.items = 7;
  small.slice_items = 0x7fff0000;
  small.users = 60;
  small.ratings = 100;
  PartsTraining twin = small;
  twin.options.factors = 24;
  twin.options.iterations = 17;
  twin.options.reg_exponent = 0x1p-320;
  twin.options.alpha = 0x1.060dadca1601cp+0;
  twin.mean = 0x1p-959;
  twin.items = 19147792;
  twin.slice_items = 2147474224;
  ASSERT_EQ(key_of(small), key_of(twin));
  EXPECT_FALSE(small == twin);

  const std::uint32_t item = twin.items - 1;
  BlockPiece last{};
  last.number = last.users = 1;
  last.kind = BlockKind::kFactors;
  last.vectors.matrix = FactorMatrix(small.items, 16);
  BlockPiece along{};
  along.number = 2;
  along.users = 1;
  along.kind = BlockKind::kDirections;
  along.rows = {item};
  along.vectors.matrix = FactorMatrix(1, 24);
  along.vectors.matrix.row(0)[0] = 1;
  along.columns = round_factors(along.vectors);
  BlockPiece now{};
  now.number = now.users = 3;
  now.kind = BlockKind::kFactors;
  now.changes = true;
  now.lengths.assign(twin.items, {});
  now.lengths[item].product = 1;
  now.vectors.matrix = FactorMatrix(0, 24);
  StepHead head{};
  head.training = twin;
  head.step = Step::kUsers;
  head.number = head.block = 3;
  head.users = 1;
  head.items_turn.assign(24 * 24, 0);
  head.users_turn.assign(24 * 24, 0);
  head.eigenvalues.assign(24, 1);
  head.mean_squares.assign(24, 1);
  ThreadTeam team(1);
  std::vector<ItemBlock> directions(1);
  directions[0].add(along.bytes(twin));
  ItemBlock before;
  before.add(last.bytes(small));
  ItemBlock block;
  block.add(now.bytes(twin));
  // Would write behind the seven items.
  EXPECT_THROW(block.follow(std::move(before), pointers_to(directions), head.bytes(), team),
               InvalidBytes);

  // Nor is a block of the one for users of the other.
  before = ItemBlock();
  before.add(last.bytes(small));
  head.number = head.block = 1;
  EXPECT_THROW(UsersStep(head.bytes(), before, team), InvalidBytes);
}

}  // namespace
}  // namespace als
