#include "core/search/exploration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "core/base/splitmix.h"
#include "scored_items.h"

namespace als {
namespace {

// A list of items 0, 1, 2, ... and new ones from 1000 on.
constexpr std::uint32_t kFirstNew = 1000;

std::vector<ScoredItem> items_from(std::uint32_t first, std::size_t n) {
  std::vector<ScoredItem> list;
  for (std::size_t i = 0; i < n; ++i)
    list.push_back({first + static_cast<std::uint32_t>(i), 100.0F - static_cast<float>(i)});
  return list;
}

std::vector<ScoredItem> mixed(const Exploration& exploration, std::size_t k, std::uint64_t user) {
  return exploration.mix(items_from(0, k), items_from(kFirstNew, exploration.head(k)), k,
                         splitmix(user));
}

std::size_t count_new(const std::vector<ScoredItem>& list) {
  return static_cast<std::size_t>(std::count_if(
      list.begin(), list.end(), [](const ScoredItem& s) { return s.item >= kFirstNew; }));
}

TEST(Exploration, KeepsItsShareOfEachListAtPlacesThatUsersDifferIn) {
  constexpr std::size_t kUsers = 4000;
  for (const double share : {0.1, 0.25, 0.3, 1.0}) {
    const Exploration exploration{share, 42};
    std::map<std::size_t, int> new_at;
    double in_all = 0;
    for (std::uint64_t user = 0; user < kUsers; ++user) {
      const std::vector<ScoredItem> list = mixed(exploration, 10, user);
      ASSERT_EQ(list.size(), 10U);
      const auto kept = static_cast<double>(count_new(list));
      EXPECT_GE(kept, std::floor(10 * share));
      EXPECT_LE(kept, std::ceil(10 * share));
      in_all += kept;
      std::uint32_t next = 0;  // the others come in their order
      for (std::size_t place = 0; place < list.size(); ++place) {
        if (list[place].item >= kFirstNew)
          ++new_at[place];
        else
          EXPECT_EQ(list[place].item, next++);
      }
    }
    EXPECT_NEAR(in_all / kUsers, 10 * share, 0.05) << share;
    for (std::size_t place = 0; place < 10; ++place)
      EXPECT_NEAR(new_at[place] / double{kUsers}, share, 0.03) << share << " " << place;
  }
}

TEST(Exploration, IsTheSameForASeedAndAUserAndDiffersBetweenThem) {
  const Exploration exploration{0.2, 1};
  std::set<std::vector<std::uint32_t>> lists;
  for (std::uint64_t user = 0; user < 20; ++user) {
    EXPECT_EQ(items_of(mixed(exploration, 10, user)), items_of(mixed(exploration, 10, user)));
    lists.insert(items_of(mixed(exploration, 10, user)));
    lists.insert(items_of(mixed({0.2, 2}, 10, user)));
  }
  EXPECT_GT(lists.size(), 35U);
}

TEST(Exploration, OfALongerListBeginsWithTheShorter) {
  const Exploration exploration{0.3, 5};
  for (std::uint64_t user = 0; user < 20; ++user) {
    std::vector<std::uint32_t> longer = items_of(mixed(exploration, 40, user));
    longer.resize(15);
    EXPECT_EQ(items_of(mixed(exploration, 15, user)), longer);
  }
}

TEST(Exploration, DrawsFromTheTenBestForAPlace) {
  std::set<std::uint32_t> drawn;
  for (std::uint64_t user = 0; user < 500; ++user)
    for (const ScoredItem& scored : mixed({0.1, 0}, 10, user))
      if (scored.item >= kFirstNew) drawn.insert(scored.item);
  EXPECT_EQ(drawn.size(), 10U);
  EXPECT_EQ(*drawn.rbegin(), kFirstNew + 9);
}

TEST(Exploration, NamesNoItemTwiceAndFillsUp) {
  const Exploration half{0.5, 3};
  // New items that are in the list by their scores, too.
  for (std::uint64_t user = 0; user < 50; ++user) {
    std::vector<std::uint32_t> list =
        items_of(half.mix(items_from(0, 10), items_from(3, 7), 10, splitmix(user)));
    std::sort(list.begin(), list.end());
    EXPECT_EQ(list, items_of(items_from(0, 10)));
  }
  // None, or one, that is new.
  EXPECT_EQ(items_of(half.mix(items_from(0, 10), {}, 10, 1)), items_of(items_from(0, 10)));
  EXPECT_EQ(count_new(half.mix(items_from(0, 10), items_from(kFirstNew, 1), 10, 1)), 1U);
  EXPECT_TRUE(half.mix({}, {}, 10, 1).empty());
  EXPECT_TRUE(half.mix(items_from(0, 3), items_from(0, 3), 0, 1).empty());
}

TEST(Exploration, OfNothingChangesNothing) {
  const Exploration none;
  EXPECT_FALSE(none.is_asked());
  EXPECT_EQ(none.head(10), 0U);
  EXPECT_EQ((Exploration{0.25, 0}.head(10)), 30U);
  EXPECT_GT((Exploration{1, 0}.head(SIZE_MAX)), std::size_t{1} << 40);
}

TEST(Exploration, OfManyUsersIsThatOfEach) {
  const Exploration exploration{0.3, 9};
  std::vector<Recommendation> lists;
  std::vector<Recommendation> new_items;
  for (const std::uint32_t user : {3U, 5U, 8U}) {
    std::int32_t rank = 0;
    for (const ScoredItem& s : items_from(user, 6))
      lists.push_back({user, s.item, s.score, ++rank});
    if (user == 5) continue;  // has seen all that is new
    for (const ScoredItem& s : items_from(kFirstNew + user, 20))
      new_items.push_back({user, s.item, s.score, ++rank});
  }
  const std::vector<Recommendation> rows =
      exploration.mix_all(lists, new_items, 6, [](std::uint32_t user) { return splitmix(user); });
  ASSERT_EQ(rows.size(), 18U);
  std::size_t row = 0;
  for (const std::uint32_t user : {3U, 5U, 8U}) {
    const std::vector<ScoredItem> fresh =
        user == 5 ? std::vector<ScoredItem>{} : items_from(kFirstNew + user, 20);
    std::int32_t rank = 0;
    for (const ScoredItem& s : exploration.mix(items_from(user, 6), fresh, 6, splitmix(user))) {
      EXPECT_EQ(rows[row].user, user);
      EXPECT_EQ(rows[row].item, s.item);
      EXPECT_EQ(rows[row].score, s.score);
      EXPECT_EQ(rows[row++].rank, ++rank);
    }
  }
}

}  // namespace
}  // namespace als
