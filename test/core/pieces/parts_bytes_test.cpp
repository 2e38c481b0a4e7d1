// Bytes from elsewhere are not believed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/pieces/pieces.h"
#include "parts_in_memory.h"
#include "recorded_bytes.h"

namespace als {
namespace {

class PartsBytes : public testing::Test {
 protected:
  ThreadTeam team_{1};
  std::vector<std::unique_ptr<Recorder>> recorders_;
  std::vector<SentBytes> inputs_ = all_inputs(team_, recorders_);
};

TEST_F(PartsBytes, EachKindIsThere) {
  for (const char* name :
       {"kUsers: block", "kUsers again: block", "kFinish: block", "kResidual: sums",
        "kProduct: sums", "kCurvature: sums", "kCurvature: block", "kCompare: sums",
        "kCompare: block", "finished users", "finished items"}) {
    EXPECT_GE(std::count_if(inputs_.begin(), inputs_.end(),
                            [&](const SentBytes& input) { return input.name == name; }),
              2)
        << name;
  }
  for (const SentBytes& input : inputs_) EXPECT_NO_THROW(input.read(input.bytes)) << input.name;
}

TEST(FinishedRows, ThereAndBack) {
  FinishedRows rows{{FactorMatrix(2, 3), {0.5F, 1}}, {4, 5}, {6, 7}, {8, 9}};
  const Bytes bytes = rows.bytes();
  EXPECT_EQ(FinishedRows::read(bytes).popularity, rows.popularity);
  EXPECT_THROW(FinishedRows::read(bytes + bytes), InvalidBytes);
  rows.popularity = {NAN, 0};
  EXPECT_THROW(FinishedRows::read(rows.bytes()), InvalidBytes);
  rows.popularity.clear();
  EXPECT_TRUE(FinishedRows::read(rows.bytes()).popularity.empty());
}

TEST_F(PartsBytes, TotalsAreOfAllRatings) {
  Recorder& recorder = *recorders_.front();
  PartsTraining training = recorder.training();
  Bytes all;
  for (const Bytes& totals : recorder.totals()) all += totals;
  EXPECT_NO_THROW(zero_loss(all, training));
  EXPECT_THROW(zero_loss(all + recorder.totals()[0], training), InvalidBytes);
  EXPECT_THROW(zero_loss(ByteView(all).substr(recorder.totals()[0].size()), training),
               InvalidBytes);
  ++training.ratings;
  EXPECT_THROW(zero_loss(all, training), InvalidBytes);
}

bool are_whole_pieces(ByteView bytes) {
  try {
    while (!bytes.empty()) take_piece(bytes);
  } catch (const InvalidBytes&) {
    return false;
  }
  return true;
}

TEST_F(PartsBytes, CutOff) {
  for (const SentBytes& input : inputs_) {
    const std::size_t step = input.bytes.size() / 25 + 1;
    for (std::size_t size = 0; size < input.bytes.size(); size += step) {
      // From memory of that size: the sanitizer sees what is read beyond it.
      const std::vector<char> cut(input.bytes.begin(),
                                  input.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      // The first slices of a block are a block, of these.
      const bool is_block = input.name.find("block") != std::string::npos;
      if (is_block && size > 0 && are_whole_pieces({cut.data(), size})) continue;
      EXPECT_THROW(input.read({cut.data(), size}), InvalidBytes) << input.name << ", " << size;
    }
  }
}

TEST_F(PartsBytes, Changed) {
  std::mt19937_64 random(1);
  for (const SentBytes& input : inputs_) {
    if (input.in_part) continue;
    for (int trial = 0; trial < 30; ++trial) {
      Bytes changed = input.bytes;
      changed[random() % changed.size()] ^= static_cast<char>(1U << random() % 8);
      EXPECT_THROW(input.read(changed), InvalidBytes) << input.name;
    }
  }
}

/// What is wrong on purpose, with a right checksum, is an error or is harmless.
TEST_F(PartsBytes, Forged) {
  std::mt19937_64 random(2);
  const std::uint32_t values[] = {0, 1, 2, 255, 0x7f800000, 0x7fffffff, 0x80000000, 0xffffffff};
  std::size_t refused = 0;
  for (const SentBytes& input : inputs_) {
    for (int trial = 0; trial < 40; ++trial) {
      Bytes forged = input.bytes;
      const std::size_t most = std::min<std::size_t>(forged.size(), trial % 2 == 0 ? 300 : -1);
      const std::size_t place = random() % most;
      const std::uint32_t value = values[random() % std::size(values)];
      std::memcpy(forged.data() + place, &value, std::min(sizeof value, forged.size() - place));
      forge_checksum(forged);
      try {
        input.read(forged);
      } catch (const InvalidBytes&) {
        ++refused;
      } catch (const std::range_error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, inputs_.size() * 5);
}

/// Any bytes as any other.
TEST_F(PartsBytes, OfAnotherKind) {
  std::mt19937_64 random(3);
  for (const SentBytes& input : inputs_) {
    for (int trial = 0; trial < 10; ++trial) {
      try {
        input.read(inputs_[random() % inputs_.size()].bytes);
      } catch (const InvalidBytes&) {
      } catch (const std::range_error&) {
      }
    }
  }
}

class PartsOrder : public testing::Test {
 protected:
  ThreadTeam team_{1};
  PartsInMemory parts_{random_ratings(40, 20, 0.3, 2), 40,        20,
                       small_options(false),           {2, 5, 6}, team_};
  void add(PartTotals& totals, std::uint32_t part, std::uint32_t number) {
    const Bytes& chunk = parts_.chunks().at({part, number}).by_item;
    totals.add(ChunkByItem(chunk), std::vector<std::uint64_t>(facts_of_chunk(chunk).users));
  }
};

TEST_F(PartsOrder, ChunksOfAPart) {
  PartTotals totals(parts_.training(), 1);
  add(totals, 1, 1);
  EXPECT_THROW(add(totals, 1, 1), InvalidBytes);
  EXPECT_THROW(add(totals, 1, 0), InvalidBytes);
  EXPECT_THROW(add(totals, 0, 2), InvalidBytes);
  add(totals, 1, 2);
}

TEST_F(PartsOrder, Parts) {
  Bytes pieces[2];
  for (std::uint32_t part = 0; part < 2; ++part) {
    PartTotals totals(parts_.training(), part);
    add(totals, part, 0);
    pieces[part] = totals.bytes();
  }
  PieceSum late;
  late.add(piece_of_slice(pieces[1], 2));
  EXPECT_THROW(late.add(piece_of_slice(pieces[0], 2)), InvalidBytes);
  EXPECT_THROW(late.add(piece_of_slice(pieces[1], 2)), InvalidBytes);
  PieceSum sum;
  EXPECT_TRUE(sum.bytes().empty());
  sum.add(piece_of_slice(pieces[0], 2));
  EXPECT_THROW(sum.add(piece_of_slice(pieces[1], 1)), InvalidBytes);
  EXPECT_THROW(sum.add(pieces[1]), InvalidBytes);
  EXPECT_THROW(sum.add(parts_.chunks().at({1, 0}).by_item), InvalidBytes);
  sum.add(piece_of_slice(pieces[1], 2));
  EXPECT_THROW(piece_of_slice(pieces[0], 4), InvalidBytes);
}

/// A runner that does something wrong once.
class Careless : public PartsInMemory {
 public:
  using PartsInMemory::PartsInMemory;
  std::function<void(Careless&, Step)> before_items = [](Careless&, Step) {};
  std::function<void(Careless&)> before_users = [](Careless&) {};

  Bytes step_users(const Bytes& step) override {
    before_users(*this);
    return PartsInMemory::step_users(step);
  }
  Bytes step_items(const Bytes& step) override {
    before_items(*this, step_of(step));
    return PartsInMemory::step_items(step);
  }
};

TEST(PartsRunner, CarelessnessIsNoticed) {
  ThreadTeam team(1);
  const std::vector<Entry> entries = random_ratings(40, 20, 0.3, 2);
  TrainOptions options = small_options(false);
  options.iterations = 4;
  const auto train_with = [&](const std::function<void(Careless&)>& spoil) {
    Careless parts(entries, 40, 20, options, {2, 5, 6}, team);
    spoil(parts);
    train(parts, team);
  };
  EXPECT_NO_THROW(train_with([](Careless&) {}));
  // A chunk is missing: its users, and its ratings.
  EXPECT_THROW(train_with([](Careless& p) {
                 p.before_users = [](Careless& q) { q.chunks().erase({1, 1}); };
               }),
               InvalidBytes);
  EXPECT_THROW(train_with([](Careless& p) {
                 p.before_items = [](Careless& q, Step) { q.chunks().erase({1, 1}); };
               }),
               InvalidBytes);
  // Users of another chunk, and of an earlier step.
  EXPECT_THROW(train_with([](Careless& p) {
                 p.before_items = [](Careless& q, Step) {
                   std::swap(q.chunks()[{0, 0}].users, q.chunks()[{0, 1}].users);
                 };
               }),
               InvalidBytes);
  Bytes old;
  EXPECT_THROW(train_with([&](Careless& p) {
                 p.before_users = [&](Careless& q) {
                   Bytes& users = q.chunks()[{0, 0}].users;
                   if (old.empty()) {
                     old = users;
                   } else {
                     users = old;
                   }
                 };
               }),
               InvalidBytes);
  // A slice that missed a step.
  Bytes slice;
  EXPECT_THROW(train_with([&](Careless& p) {
                 p.before_items = [&](Careless& q, Step step) {
                   if (step == Step::kProduct && !slice.empty()) q.slices()[1] = slice;
                   slice = q.slices()[1];
                 };
               }),
               InvalidBytes);
}

TEST(PartsChunk, PackedWhateverTheOrderOfRows) {
  ThreadTeam team(2);
  std::vector<Entry> entries = random_ratings(30, 20, 0.3, 3);
  entries.push_back({3, 4, 2.5F});
  entries.push_back({3, 4, 1.5F});
  const auto pack = [&](OnDuplicate on_duplicate) {
    RatingBuffer rows;
    for (const Entry& e : entries) rows.append(e.user, e.item, e.value);
    return packed(make_chunk({1, 2}, std::move(rows), identity(30), 20, on_duplicate, team));
  };
  const PackedChunk first = pack(OnDuplicate::kAverage);
  std::mt19937_64 random(1);
  std::shuffle(entries.begin(), entries.end(), random);
  const PackedChunk second = pack(OnDuplicate::kAverage);
  EXPECT_EQ(first.by_user, second.by_user);
  EXPECT_EQ(first.by_item, second.by_item);
  EXPECT_GE(first.duplicates, 1U);
  EXPECT_THROW(pack(OnDuplicate::kError), DuplicateRating);
  entries.push_back({30, 1, 1.0F});
  EXPECT_THROW(pack(OnDuplicate::kSum), InvalidBytes);
  entries.back() = {1, 20, 1.0F};
  EXPECT_THROW(pack(OnDuplicate::kSum), InvalidBytes);
}

TEST(PartsChunk, HoldsOutWhatOneMachineDoes) {
  ThreadTeam team(1);
  const std::vector<Entry> entries = random_ratings(30, 20, 0.5, 4);
  HoldoutRule rule{0.3, 7, keys_of(30), keys_of(20)};
  RatingBuffer rows;
  for (const Entry& e : entries) rows.append(e.user, e.item, e.value);
  const Ratings ratings(std::move(rows), identity(30), identity(20), OnDuplicate::kAverage, team,
                        &rule);
  RatingMoments moments;
  RatingMoments held;
  const std::vector<std::uint64_t> item_keys = keys_of(20);
  for (std::uint32_t number = 0; number < 3; ++number) {
    RatingBuffer some;
    for (const Entry& e : entries) {
      if (e.user / 10 == number) some.append(e.user % 10, e.item, e.value);
    }
    const auto keys = rule.user_keys.begin() + number * 10;
    const ChunkHoldout holdout{
        0.3, 7, {keys, keys + 10}, [&](std::uint32_t item) { return item_keys[item]; }};
    const PackedChunk chunk = packed(make_chunk({0, number}, std::move(some), identity(10), 20,
                                                OnDuplicate::kAverage, team, &holdout));
    moments.add(facts_of_chunk(chunk.by_user).moments);
    held.add(facts_of_chunk(chunk.held_out).moments);
  }
  EXPECT_EQ(moments.count, ratings.size());
  EXPECT_EQ(held.count, ratings.held_out().columns.size());
  EXPECT_NEAR(moments.mean, ratings.mean(), 1e-12);
  EXPECT_NEAR(moments.spread(), ratings.spread(), 1e-12);
}

}  // namespace
}  // namespace als
