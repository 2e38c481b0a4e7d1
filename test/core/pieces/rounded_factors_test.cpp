// Factors in 16 bits a number.
#include "core/pieces/rounded_factors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/parts/block_contents.h"
#include "parts_in_memory.h"
#include "simd_levels.h"

namespace als {
namespace {

TrainOptions options_of(std::size_t factors, bool biases = false) {
  TrainOptions options;
  options.factors = static_cast<int>(factors);
  options.biases = biases;
  return options;
}

/// Normal numbers: rows of sizes from 1e-12 to 1e12, factors that fall to a 1000th.
Factors drawn(std::size_t rows, std::size_t factors, bool biases) {
  std::mt19937_64 random(rows + factors);
  std::normal_distribution<float> normal;
  Factors drawn{FactorMatrix(rows, factors), std::vector<float>(biases ? rows : 0)};
  for (std::size_t r = 0; r < rows; ++r) {
    const double size = std::pow(10.0, static_cast<double>(r % 25) - 12);
    for (std::size_t k = 0; k < factors; ++k) {
      const double column = std::pow(1e-3, static_cast<double>(k) / static_cast<double>(factors));
      drawn.matrix.row(r)[k] = static_cast<float>(normal(random) * size * column);
    }
    if (biases) drawn.bias[r] = normal(random);
  }
  return drawn;
}

Bytes bytes_of(const Factors& factors, const ColumnExponents& columns) {
  PieceWriter writer(Piece::kBlock);
  put_rounded_factors(factors, columns, writer);
  return writer.take();
}

RoundedFactors read_back(ByteView bytes, std::size_t rows, const TrainOptions& options) {
  PieceReader reader(bytes, Piece::kBlock);
  RoundedFactors read = read_rounded_factors(reader, rows, options);
  reader.end();
  return read;
}

void expect_same(const Factors& a, const Factors& b) {
  ASSERT_EQ(a.matrix.rows(), b.matrix.rows());
  EXPECT_EQ(a.bias, b.bias);
  for (std::size_t r = 0; r < a.matrix.rows(); ++r) {
    EXPECT_TRUE(std::equal(a.matrix.row(r), a.matrix.row(r) + a.matrix.stride(), b.matrix.row(r)))
        << "row " << r;
  }
}

TEST(RoundedFactors, EachColumnIsAsExact) {
  const Factors exact = drawn(500, 40, false);
  Factors rounded = exact;
  round_factors(rounded);
  for (std::size_t k = 0; k < 40; ++k) {
    double error = 0;
    double size = 0;
    for (std::size_t r = 0; r < 500; ++r) {
      const double of_row = std::pow(10.0, static_cast<double>(r % 25) - 12);
      const double value = exact.matrix.row(r)[k];
      error += std::pow((rounded.matrix.row(r)[k] - value) / of_row, 2);
      size += std::pow(value / of_row, 2);
    }
    EXPECT_LT(std::sqrt(error / size), 2e-4) << "column " << k;
    EXPECT_GT(error, 0) << "column " << k;
  }
}

TEST(RoundedFactors, TravelUnchanged) {
  for (const std::size_t factors : {1U, 7U, 16U, 40U}) {
    for (const bool biases : {false, true}) {
      Factors all = drawn(60, factors, biases);
      const ColumnExponents columns = round_factors(all);
      const TrainOptions options = options_of(factors, biases);
      const Bytes bytes = bytes_of(all, columns);
      const RoundedFactors read = read_back(bytes, 60, options);
      expect_same(read.factors, all);
      EXPECT_EQ(read.columns, columns);
      EXPECT_EQ(bytes.size(), 32 + rounded_factor_bytes(60, options));
      // Some rows, whose largest numbers are others.
      Factors some{FactorMatrix(0, factors), {}};
      for (std::size_t r = 5; r < 60; r += 9) {
        some.matrix.append_row(all.matrix.row(r));
        if (biases) some.bias.push_back(all.bias[r]);
      }
      expect_same(read_back(bytes_of(some, columns), some.matrix.rows(), options).factors, some);
    }
  }
}

TEST(RoundedFactors, GoToTheNearestOrTheEvenMultiple) {
  Factors factors{FactorMatrix(1, 6), {}};
  const float numbers[] = {16384, 0.5F, 1.5F, -2.5F, 3.25F, 0};
  std::copy_n(numbers, 6, factors.matrix.row(0));
  // Columns' units are what the row says itself: a second row makes them one.
  const float ones[] = {16384, 16384, 16384, 16384, 16384, 16384};
  factors.matrix.append_row(ones);
  round_factors(factors);
  const float expected[] = {16384, 0, 2, -2, 3, 0};
  for (std::size_t k = 0; k < 6; ++k) EXPECT_EQ(factors.matrix.row(0)[k], expected[k]) << k;
}

TEST(RoundedFactors, ExtremeNumbers) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  for (const float value : {kLargest, -kLargest, 1e-20F, kSmallest, 0.0F, -0.0F}) {
    Factors factors{FactorMatrix(2, 3), {}};
    factors.matrix.row(0)[1] = value;
    factors.matrix.row(1)[1] = 1;
    const ColumnExponents columns = round_factors(factors);
    EXPECT_NEAR(factors.matrix.row(0)[1], value, std::fabs(value) * 4e-5 + 1e-29) << value;
    EXPECT_EQ(factors.matrix.row(0)[0], 0);
    expect_same(read_back(bytes_of(factors, columns), 2, options_of(3)).factors, factors);
  }
  for (const float value : {INFINITY, -INFINITY, NAN}) {
    Factors factors{FactorMatrix(2, 3), {}};
    factors.matrix.row(0)[1] = value;
    factors.matrix.row(1)[1] = 1;
    const ColumnExponents columns = round_factors(factors);
    EXPECT_EQ(factors.matrix.row(1)[1], 1);
    const Bytes bytes = bytes_of(factors, columns);
    EXPECT_THROW(read_back(bytes, 2, options_of(3)), InvalidBytes) << value;
  }
}

TEST(RoundedFactors, ForgedBytesAreRefused) {
  const auto refused = [](std::int8_t column, std::int16_t row, std::int16_t multiple) {
    PieceWriter writer(Piece::kBlock);
    writer.put(column);
    writer.put(row);
    writer.put(multiple);
    const Bytes bytes = writer.take();
    try {
      read_back(bytes, 1, options_of(1));
    } catch (const InvalidBytes&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused(0, 0, 1));
  EXPECT_FALSE(refused(30, 83, 32767));
  EXPECT_TRUE(refused(-1, 0, 1));
  EXPECT_TRUE(refused(31, 0, 1));
  EXPECT_TRUE(refused(0, -127, 1));
  EXPECT_TRUE(refused(0, 114, 1));
  EXPECT_TRUE(refused(0, 113, -32768));
  EXPECT_TRUE(refused(30, 113, 1));
  // Of more rows than there are.
  const Bytes bytes = bytes_of(Factors{FactorMatrix(2, 3), {}}, ColumnExponents(3));
  EXPECT_THROW(read_back(bytes, 3, options_of(3)), InvalidBytes);
  EXPECT_THROW(read_back(bytes, std::size_t{1} << 60, options_of(3)), InvalidBytes);
}

/// Parts keep the items' factors, of which slices send them what has changed.
class Watched : public PartsInMemory {
 public:
  using PartsInMemory::PartsInMemory;

  Bytes step_users(const Bytes& step) override {
    const ItemBlock last = factors();
    const std::vector<ItemBlock> along = directions();
    Bytes reports = PartsInMemory::step_users(step);
    expect_same(factors().contents().vectors, items());
    bytes_.push_back(block().size());
    expect_refusals(last, along, step);
    last_but_one_ = ItemBlock(last);
    return reports;
  }
  /// Of the blocks of factors.
  const std::vector<std::size_t>& bytes() const { return bytes_; }

 private:
  /// Changes are of use with the very blocks that came before, and not alone.
  void expect_refusals(const ItemBlock& last, const std::vector<ItemBlock>& along,
                       const Bytes& step) {
    ThreadTeam team(1);
    ItemBlock changes;
    changes.add(block());
    const std::vector<const ItemBlock*> directions = pointers_to(along);
    if (!changes.has_changes()) {
      EXPECT_THROW(changes.follow(ItemBlock(last), directions, step, team), InvalidBytes);
      return;
    }
    EXPECT_FALSE(changes.has_factors());
    EXPECT_THROW(UsersStep(step, changes, team), InvalidBytes);
    EXPECT_THROW(PartSums(changes, 0, team), InvalidBytes);
    EXPECT_THROW(changes.follow(ItemBlock(), directions, step, team), InvalidBytes);
    EXPECT_THROW(changes.follow(ItemBlock(last_but_one_), directions, step, team), InvalidBytes);
    EXPECT_THROW(changes.follow(ItemBlock(factors()), directions, step, team), InvalidBytes);
    if (!along.empty()) {
      EXPECT_THROW(changes.follow(ItemBlock(last), {}, step, team), InvalidBytes);
      EXPECT_THROW(changes.follow(ItemBlock(last), {&last}, step, team), InvalidBytes);
    }
    for (const ItemBlock& block : last_directions_) {
      EXPECT_THROW(changes.follow(ItemBlock(last), {&block}, step, team), InvalidBytes);
    }
    EXPECT_NO_THROW(changes.follow(ItemBlock(last), directions, step, team));
    expect_same(changes.contents().vectors, items());
    last_directions_ = std::vector<ItemBlock>(along);
  }

  std::vector<std::size_t> bytes_;
  ItemBlock last_but_one_;
  std::vector<ItemBlock> last_directions_;
};

TEST(RoundedFactors, PartsHaveTheBitsOfTheSlices) {
  const std::vector<Entry> entries = random_ratings(100, 53, 0.2, 9);
  at_every_level([&] {
    for (const bool implicit : {false, true}) {
      // With a tolerance, so that two half-steps of the users follow each other at the end.
      TrainOptions options = options_of(24, !implicit);
      options.feedback = implicit ? Feedback::kImplicit : Feedback::kExplicit;
      options.iterations = 30;
      options.tolerance = 0.01;
      ThreadTeam team(2);
      // Three items without ratings.
      Watched parts(entries, 100, 56, options, {3, 20, 11}, team);
      EXPECT_LT(train(parts, team).size(), 30U);
      const std::vector<std::size_t>& bytes = parts.bytes();
      ASSERT_GT(bytes.size(), 3U);
      const std::size_t heads = parts.training().slices() * 300;
      EXPECT_GT(bytes[0], 56 * options.unknowns() * sizeof(float));
      for (std::size_t i = 1; i < bytes.size(); ++i)
        EXPECT_LT(bytes[i], 56 * sizeof(StepLengths) + heads);
    }
  });
}

}  // namespace
}  // namespace als
