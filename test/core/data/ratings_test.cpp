#include "core/data/ratings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/base/unused_memory.h"
#include "core/data/row_sorter.h"
#include "resident_bytes.h"
#include "small_problem.h"

namespace als {
namespace {

using Map = std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<float>>;

RatingBuffer buffer_of(const std::vector<Entry>& entries) {
  RatingBuffer buffer;
  for (const Entry& e : entries) buffer.append(e.user, e.item, e.value);
  return buffer;
}

std::vector<Entry> random_entries(std::size_t n, std::uint32_t users, std::uint32_t items,
                                  std::mt19937_64& random) {
  std::vector<Entry> entries(n);
  for (Entry& e : entries) {
    // Some rows much longer than others, and some empty.
    e.user = static_cast<std::uint32_t>(std::min(random() % users, random() % users));
    e.item = static_cast<std::uint32_t>(std::min(random() % items, random() % items));
    e.value = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 7.0F;
  }
  return entries;
}

void expect_matches(const CompressedRows& rows, bool by_user, const Map& expected, std::size_t n,
                    OnDuplicate on_duplicate) {
  ASSERT_EQ(rows.rows(), n);
  ASSERT_EQ(rows.columns.size(), expected.size());
  ASSERT_EQ(rows.values.size(), expected.size());
  ASSERT_EQ(rows.offsets.front(), 0U);
  ASSERT_EQ(rows.offsets.back(), expected.size());
  for (std::size_t row = 0; row < n; ++row) {
    for (std::uint64_t e = rows.offsets[row]; e < rows.offsets[row + 1]; ++e) {
      if (e > rows.offsets[row]) {
        ASSERT_LT(rows.columns[e - 1], rows.columns[e]);
      }
      const auto r = static_cast<std::uint32_t>(row);
      const auto found = expected.find(by_user ? std::make_pair(r, rows.columns[e])
                                               : std::make_pair(rows.columns[e], r));
      ASSERT_NE(found, expected.end());
      std::vector<float> values = found->second;
      std::sort(values.begin(), values.end());
      double sum = 0;
      for (const float value : values) sum += value;
      if (on_duplicate == OnDuplicate::kAverage) sum /= static_cast<double>(values.size());
      ASSERT_EQ(rows.values[e], static_cast<float>(sum));
    }
  }
}

TEST(RatingBuffer, KeepsEntriesInBlocks) {
  RatingBuffer buffer;
  EXPECT_EQ(buffer.blocks(), 0U);
  const std::size_t n = RatingBuffer::kBlockEntries + 3;
  for (std::size_t i = 0; i < n; ++i) buffer.append(static_cast<std::uint32_t>(i), 7, 1.0F);
  EXPECT_EQ(buffer.size(), n);
  ASSERT_EQ(buffer.blocks(), 2U);
  EXPECT_EQ(buffer.block_size(0), RatingBuffer::kBlockEntries);
  EXPECT_EQ(buffer.block_size(1), 3U);
  EXPECT_EQ(buffer.block(1)[2].user, n - 1);
  std::size_t visited = 0;
  buffer.for_each([&](const Entry& entry) { visited += entry.user == visited ? 1 : 0; });
  EXPECT_EQ(visited, n);
  EXPECT_EQ(buffer.size(), n);
  buffer.use_up([&](const Entry& entry) { visited -= n - visited == entry.user ? 1 : 0; });
  EXPECT_EQ(visited, 0U);
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_EQ(buffer.take_blocks().size(), 0U);
  for (std::size_t i = 0; i < n; ++i) buffer.append(0, 7, 1.0F);
  EXPECT_EQ(buffer.take_blocks().size(), 2U);
  EXPECT_EQ(buffer.size(), 0U);
  buffer.append(1, 2, 3.0F);
  EXPECT_EQ(buffer.block_size(0), 1U);
}

TEST(RatingBuffer, ShrinksWhileItIsUsedUp) {
  RatingBuffer buffer;
  const std::size_t n = 4 * RatingBuffer::kBlockEntries;
  for (std::size_t i = 0; i < n; ++i) buffer.append(1, 2, 3.0F);
  // The allocator keeps what is freed for other large vectors, once there have been such.
  give_back_unused_memory();
  const std::size_t before = resident_bytes();
  if (before == 0) GTEST_SKIP() << "nobody tells";
  std::size_t visited = 0;
  std::size_t after_half = before;
  buffer.use_up([&](const Entry&) {
    if (++visited != n / 2 + 1) return;
    give_back_unused_memory();
    after_half = resident_bytes();
  });
  EXPECT_LT(after_half + RatingBuffer::kBlockEntries * sizeof(Entry), before);
}

TEST(Ratings, AreHandedOver) {
  ThreadTeam team(1);
  Ratings ratings(buffer_of({{0, 1, 2.0F}, {1, 0, 3.0F}}), {0, 1}, {0, 1}, OnDuplicate::kAverage,
                  team);
  EXPECT_EQ(ratings.take_by_user().values, (UninitializedVector<float>{2, 3}));
  EXPECT_EQ(ratings.take_by_item().values, (UninitializedVector<float>{3, 2}));
  EXPECT_TRUE(ratings.by_user().values.empty());
  EXPECT_TRUE(ratings.by_item().values.empty());
}

TEST(Ratings, MatchANaiveMap) {
  std::mt19937_64 random(1);
  for (const OnDuplicate on_duplicate : {OnDuplicate::kAverage, OnDuplicate::kSum}) {
    for (const int threads : {1, 2, 4}) {
      const std::uint32_t users = 211;
      const std::uint32_t items = 97;
      std::vector<std::uint32_t> user_rank = identity(users);
      std::vector<std::uint32_t> item_rank = identity(items);
      std::shuffle(user_rank.begin(), user_rank.end(), random);
      std::shuffle(item_rank.begin(), item_rank.end(), random);
      const std::vector<Entry> entries = random_entries(9000, users, items, random);
      Map expected;
      for (const Entry& e : entries)
        expected[{user_rank[e.user], item_rank[e.item]}].push_back(e.value);
      ASSERT_LT(expected.size(), entries.size()) << "the data have no duplicates";

      ThreadTeam team(threads);
      RatingBuffer buffer = buffer_of(entries);
      const Ratings ratings(std::move(buffer), user_rank, item_rank, on_duplicate, team);
      EXPECT_EQ(buffer.size(), 0U);  // NOLINT(bugprone-use-after-move): moved from, it is empty
      EXPECT_EQ(ratings.users(), users);
      EXPECT_EQ(ratings.items(), items);
      EXPECT_EQ(ratings.size(), expected.size());
      EXPECT_EQ(ratings.duplicates(), entries.size() - expected.size());
      expect_matches(ratings.by_user(), true, expected, users, on_duplicate);
      expect_matches(ratings.by_item(), false, expected, items, on_duplicate);
      double sum = 0;
      for (const float value : ratings.by_user().values) sum += value;
      EXPECT_NEAR(ratings.mean(), sum / static_cast<double>(expected.size()), 1e-9);
    }
  }
}

TEST(Ratings, DoNotDependOnArrivalNumberingOrThreads) {
  std::mt19937_64 random(2);
  const std::uint32_t users = 300;
  const std::uint32_t items = 50;
  const std::vector<Entry> canonical = random_entries(5000, users, items, random);
  ThreadTeam one(1);
  const Ratings expected(buffer_of(canonical), identity(users), identity(items),
                         OnDuplicate::kAverage, one);
  for (const int threads : {1, 2, 4}) {
    // user_rank[u] is the canonical index of what arrives as u.
    std::vector<std::uint32_t> user_rank = identity(users);
    std::shuffle(user_rank.begin(), user_rank.end(), random);
    std::vector<std::uint32_t> arrives_as(users);
    for (std::uint32_t u = 0; u < users; ++u) arrives_as[user_rank[u]] = u;
    std::vector<Entry> entries = canonical;
    for (Entry& e : entries) e.user = arrives_as[e.user];
    std::shuffle(entries.begin(), entries.end(), random);
    ThreadTeam team(threads);
    const Ratings ratings(buffer_of(entries), user_rank, identity(items), OnDuplicate::kAverage,
                          team);
    EXPECT_EQ(ratings.by_user().offsets, expected.by_user().offsets);
    EXPECT_EQ(ratings.by_user().columns, expected.by_user().columns);
    EXPECT_EQ(ratings.by_user().values, expected.by_user().values);
    EXPECT_EQ(ratings.by_item().offsets, expected.by_item().offsets);
    EXPECT_EQ(ratings.by_item().columns, expected.by_item().columns);
    EXPECT_EQ(ratings.by_item().values, expected.by_item().values);
    EXPECT_EQ(ratings.mean(), expected.mean());
  }
}

// In other orders the small values, or some of them, would survive the large ones.
TEST(Ratings, SumDuplicatesInAscendingOrder) {
  const float large = 1e20F;
  std::vector<float> values = {-large, 3.0F, 5.0F, large};
  ThreadTeam team(1);
  do {
    std::vector<Entry> entries;
    entries.reserve(values.size());
    for (const float value : values) entries.push_back({0, 0, value});
    const Ratings ratings(buffer_of(entries), identity(1), identity(1), OnDuplicate::kSum, team);
    ASSERT_EQ(ratings.by_user().values[0], 0.0F);
  } while (std::next_permutation(values.begin(), values.end()));
}

TEST(Ratings, NameTheSmallestDuplicate) {
  for (const int threads : {1, 4}) {
    ThreadTeam team(threads);
    const std::vector<Entry> entries = {{3, 1, 1}, {2, 4, 1}, {3, 1, 2}, {2, 5, 1}, {2, 3, 2},
                                        {2, 5, 1}, {2, 3, 1}, {0, 0, 1}, {1, 3, 1}};
    // Users 2 and 1 change places: canonical user 1 has items 3 and 5 twice.
    const std::vector<std::uint32_t> user_rank = {0, 2, 1, 3};
    try {
      const Ratings ratings(buffer_of(entries), user_rank, identity(6), OnDuplicate::kError, team);
      FAIL() << "no exception";
    } catch (const DuplicateRating& e) {
      EXPECT_EQ(e.user, 1U);
      EXPECT_EQ(e.item, 3U);
    }
  }
}

TEST(Ratings, WithoutDuplicatesErrorIsSilent) {
  ThreadTeam team(2);
  const Ratings ratings(buffer_of({{0, 1, 2.0F}, {0, 0, 4.0F}}), identity(1), identity(2),
                        OnDuplicate::kError, team);
  EXPECT_EQ(ratings.duplicates(), 0U);
  EXPECT_EQ(ratings.mean(), 3.0);
}

TEST(Ratings, MayBeEmpty) {
  ThreadTeam team(2);
  const Ratings ratings(RatingBuffer(), {}, {}, OnDuplicate::kAverage, team);
  EXPECT_EQ(ratings.size(), 0U);
  EXPECT_EQ(ratings.users(), 0U);
  EXPECT_EQ(ratings.mean(), 0.0);
}

TEST(Ratings, RefuseASumThatOverflows) {
  ThreadTeam team(1);
  const float huge = std::numeric_limits<float>::max();
  EXPECT_THROW(Ratings(buffer_of({{0, 0, huge}, {0, 0, huge}}), identity(1), identity(1),
                       OnDuplicate::kSum, team),
               std::range_error);
  const Ratings average(buffer_of({{0, 0, huge}, {0, 0, huge}}), identity(1), identity(1),
                        OnDuplicate::kAverage, team);
  EXPECT_EQ(average.by_user().values[0], huge);
}

TEST(Ratings, AnInterruptAbandonsTheSort) {
  std::mt19937_64 random(3);
  for (const int threads : {1, 2}) {
    int polls = 0;
    ThreadTeam team(
        threads, [&] { return ++polls == 5; }, [] { throw std::runtime_error("cancelled"); });
    EXPECT_THROW(Ratings(buffer_of(random_entries(1000, 10, 10, random)), identity(10),
                         identity(10), OnDuplicate::kSum, team),
                 std::runtime_error);
  }
}

TEST(SplitRows, CoversAllRowsInRunsOfBoundedSize) {
  CompressedRows rows;
  rows.offsets = {0, 0, 5, 30, 31, 31, 33};
  const std::vector<std::size_t> firsts = split_rows(rows, 1, 10);
  // Row 2 alone is more than the limit; the others fit.
  EXPECT_EQ(firsts, (std::vector<std::size_t>{0, 2, 3, 6}));
  EXPECT_EQ(split_rows(CompressedRows(), 1, 10), (std::vector<std::size_t>{0}));
}

std::uint64_t place_of(std::uint64_t e, std::uint64_t n) { return e * 7919 % n; }

// Every column of every row once, in a scattered order.
CompressedRows sorted_grid(std::size_t n_rows, std::size_t n_columns, ThreadTeam& team) {
  CompressedRows rows;
  for (std::size_t r = 0; r <= n_rows; ++r) rows.offsets.push_back(r * n_columns);
  const std::size_t n = n_rows * n_columns;
  rows.columns.resize(n);
  rows.values.resize(n);
  ChunkPool pool;
  RowSorter sorter(rows, n_columns, RowSorter::Columns::kInAnyOrder, pool, team);
  for (std::uint64_t e = 0; e < n; ++e) {
    const std::uint64_t place = place_of(e, n);
    const RowSorter::Entry entry{static_cast<std::uint32_t>(place / n_columns),
                                 static_cast<std::uint32_t>(place % n_columns),
                                 static_cast<float>(place % 1000)};
    sorter.scatter(e % sorter.streams(), &entry, 1);
  }
  sorter.sort();
  return rows;
}

TEST(RowSorter, SortsShortAndLongRowsAndManyColumns) {
  // One long row, long rows of many columns, many short rows, and one column.
  const std::pair<std::size_t, std::size_t> shapes[] = {
      {1, 1000001}, {3, 300007}, {100003, 11}, {700001, 1}, {5, 7}};
  for (const auto& [n_rows, n_columns] : shapes) {
    for (const int threads : {1, 3}) {
      ThreadTeam team(threads);
      const CompressedRows rows = sorted_grid(n_rows, n_columns, team);
      for (std::size_t place = 0; place < rows.columns.size(); ++place) {
        ASSERT_EQ(rows.columns[place], place % n_columns);
        ASSERT_EQ(rows.values[place], static_cast<float>(place % 1000));
      }
    }
  }
}

// Large enough for several parts, streams and slices, with one item that nearly everybody has
// rated, and rows of users who have rated it often.
TEST(Ratings, ManyAreTheSameForAnyNumberOfThreads) {
  const std::uint32_t users = 30000;
  const std::uint32_t items = 5000;
  std::mt19937_64 random(4);
  std::vector<Entry> entries = random_entries(1200000, users, items, random);
  for (std::size_t e = 0; e < 400000; ++e) entries[e].item = 17;
  ThreadTeam one(1);
  const Ratings expected(buffer_of(entries), identity(users), identity(items), OnDuplicate::kSum,
                         one);
  Map all;
  for (const Entry& e : entries) all[{e.user, e.item}].push_back(e.value);
  expect_matches(expected.by_user(), true, all, users, OnDuplicate::kSum);
  expect_matches(expected.by_item(), false, all, items, OnDuplicate::kSum);
  for (const int threads : {2, 5}) {
    std::shuffle(entries.begin(), entries.end(), random);
    ThreadTeam team(threads);
    const Ratings ratings(buffer_of(entries), identity(users), identity(items), OnDuplicate::kSum,
                          team);
    EXPECT_EQ(ratings.by_user().columns, expected.by_user().columns);
    EXPECT_EQ(ratings.by_user().values, expected.by_user().values);
    EXPECT_EQ(ratings.by_item().columns, expected.by_item().columns);
    EXPECT_EQ(ratings.by_item().values, expected.by_item().values);
    EXPECT_EQ(ratings.duplicates(), expected.duplicates());
  }
}

TEST(ChunkPool, KeepsChunksApartAndServesThemAgain) {
  ChunkPool pool;
  std::vector<char*> chunks;
  for (int c = 0; c < 200; ++c) {
    chunks.push_back(static_cast<char*>(pool.take()));
    std::fill_n(chunks.back(), ChunkPool::kChunkBytes, static_cast<char>(c));
  }
  pool.release(chunks[100]);
  for (int c = 0; c < 200; ++c) {
    if (c == 100) continue;
    ASSERT_EQ(chunks[c][0], static_cast<char>(c));
    ASSERT_EQ(chunks[c][ChunkPool::kChunkBytes - 1], static_cast<char>(c));
  }
  EXPECT_EQ(pool.take(), chunks[100]);
  pool.put_back(chunks[7]);
  EXPECT_EQ(pool.take(), chunks[7]);
}

}  // namespace
}  // namespace als
