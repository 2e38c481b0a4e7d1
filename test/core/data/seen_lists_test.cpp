#include "core/data/seen_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace als {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

void add_all(SeenLists& lists, const std::vector<Pair>& pairs) {
  std::vector<std::uint32_t> users;
  std::vector<std::uint32_t> items;
  for (const auto& [user, item] : pairs) {
    users.push_back(user);
    items.push_back(item);
  }
  constexpr std::size_t kBatch = 7;
  for (std::size_t i = 0; i < pairs.size(); i += kBatch) {
    lists.add(users.data() + i, items.data() + i, std::min(kBatch, pairs.size() - i));
  }
}

std::set<std::uint32_t> list_of(const SeenLists& lists, std::size_t user) {
  std::set<std::uint32_t> list;
  lists.for_each(user, [&](std::uint32_t item) { list.insert(item); });
  return list;
}

/// Passes over the pairs, each for the users that the one before has given up. Returns their
/// number.
int check_passes(SeenLists& lists, std::size_t users, const std::vector<Pair>& pairs) {
  std::vector<std::set<std::uint32_t>> expected(users);
  for (const auto& [user, item] : pairs) expected[user].insert(item);
  int passes = 0;
  for (std::size_t first = 0; first < users; first = lists.end()) {
    lists.restart(first);
    add_all(lists, pairs);
    EXPECT_GT(lists.end(), first);
    EXPECT_LE(lists.end(), users);
    for (std::size_t user = first; user < lists.end(); ++user) {
      EXPECT_EQ(list_of(lists, user), expected[user]) << user;
    }
    ++passes;
  }
  return passes;
}

std::vector<Pair> random_pairs(std::size_t users, std::size_t items, std::size_t n) {
  std::mt19937 random(1);
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < n; ++i) {
    // Some users have much more than others.
    const std::size_t user = std::min(random() % users, random() % users);
    pairs.emplace_back(user, random() % items);
  }
  return pairs;
}

void no_poll() {}

TEST(SeenLists, KeepWhatIsAddedInAnyOrder) {
  constexpr std::size_t kUsers = 100;
  constexpr std::size_t kItems = 50;
  std::vector<Pair> pairs = random_pairs(kUsers, kItems, 3000);
  SeenLists lists(kUsers, kItems, std::size_t{1} << 20, no_poll);
  EXPECT_EQ(check_passes(lists, kUsers, pairs), 1);
  std::sort(pairs.begin(), pairs.end());
  EXPECT_EQ(check_passes(lists, kUsers, pairs), 1);
  EXPECT_EQ(check_passes(lists, kUsers, {}), 1);
}

TEST(SeenLists, IgnoreWhatIsOutOfRange) {
  SeenLists lists(10, 20, std::size_t{1} << 16, no_poll);
  lists.restart(4);
  add_all(lists, {{3, 1}, {4, 2}, {9, 3}, {10, 4}, {UINT32_MAX, 5}, {5, 20}, {5, UINT32_MAX}});
  EXPECT_FALSE(lists.keeps(3));
  EXPECT_TRUE(lists.keeps(4));
  EXPECT_TRUE(lists.keeps(9));
  EXPECT_FALSE(lists.keeps(10));
  EXPECT_EQ(list_of(lists, 4), std::set<std::uint32_t>{2});
  EXPECT_EQ(list_of(lists, 9), std::set<std::uint32_t>{3});
  EXPECT_TRUE(list_of(lists, 5).empty());
  EXPECT_TRUE(list_of(lists, 3).empty());
}

TEST(SeenLists, DoWithTheLeastMemoryInSeveralPasses) {
  for (const std::size_t users : {1, 2, 100}) {
    for (const std::size_t items : {1, 14, 15, 16, 300}) {
      std::vector<Pair> pairs = random_pairs(users, items, 5000);
      for (int order = 0; order < 3; ++order) {
        if (order == 1) std::sort(pairs.begin(), pairs.end());
        if (order == 2) std::reverse(pairs.begin(), pairs.end());
        SeenLists lists(users, items, SeenLists::min_memory(users, items), no_poll);
        const int passes = check_passes(lists, users, pairs);
        if (users == 1) {
          EXPECT_EQ(passes, 1);
        } else if (users == 100) {
          EXPECT_GT(passes, 1) << items;
        }
      }
    }
  }
}

TEST(SeenLists, GiveNobodyUpForDuplicates) {
  constexpr std::size_t kUsers = 20;
  constexpr std::size_t kItems = 1000;
  // Ten items each, over and over: 20 chunks of them, where there is room for some 136.
  std::vector<Pair> pairs;
  pairs.reserve(50000);
  for (int n = 0; n < 50000; ++n) pairs.emplace_back(n % kUsers, n / kUsers % 10);
  SeenLists lists(kUsers, kItems, SeenLists::min_memory(kUsers, kItems), no_poll);
  EXPECT_EQ(check_passes(lists, kUsers, pairs), 1);
}

TEST(SeenLists, HalfOfTheMemoryIsUsedAtLeast) {
  constexpr std::size_t kUsers = 1000;
  constexpr std::size_t kItems = 400;
  std::vector<Pair> pairs;
  for (std::uint32_t user = 0; user < kUsers; ++user) {
    for (std::uint32_t item = 0; item < 150; ++item) pairs.emplace_back(user, item);
  }
  std::shuffle(pairs.begin(), pairs.end(), std::mt19937(1));
  // Ten chunks a user: room for 100 users.
  constexpr std::size_t kLists = 100 * 10 * 64;
  const std::size_t fixed = kUsers * 8 + kItems / 8 + kItems * 4;
  SeenLists lists(kUsers, kItems, fixed + kLists, no_poll);
  const int passes = check_passes(lists, kUsers, pairs);
  EXPECT_GE(passes, 10);
  EXPECT_LE(passes, 21);
}

TEST(SeenLists, CanBeStoppedByThePoll) {
  // There is room for the lists of two.
  std::vector<Pair> pairs;
  for (std::uint32_t n = 0; n < 300000; ++n) pairs.emplace_back(n % 3, n / 3);
  int polls = 0;
  SeenLists lists(3, 100000, SeenLists::min_memory(3, 100000), [&] {
    if (++polls == 2) throw std::runtime_error("stop");
  });
  lists.restart(0);
  EXPECT_THROW(add_all(lists, pairs), std::runtime_error);
  EXPECT_EQ(polls, 2);
}

}  // namespace
}  // namespace als
