#include "core/data/group_by_user.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

namespace als {
namespace {

using StoredEntry = std::tuple<std::uint32_t, std::uint32_t, float>;

std::vector<StoredEntry> entries_of(const CompressedRows& rows) {
  std::vector<StoredEntry> entries;
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    for (std::uint64_t e = rows.offsets[row]; e < rows.offsets[row + 1]; ++e) {
      entries.emplace_back(row, rows.columns[e], rows.values[e]);
    }
  }
  return entries;
}

TEST(GroupByUser, SortsWhatIsNotLeftOut) {
  std::mt19937 random(3);
  // Row 4 is nobody's, and two users share row 1.
  const std::vector<std::uint32_t> user_number{2, kLeftOut, 1, 0, 1, 3};
  const std::vector<std::uint32_t> item_number{kLeftOut, 5, 0, 3};
  for (const int n : {0, 1, 5000}) {
    RatingBuffer buffer;
    std::vector<StoredEntry> expected;
    for (int i = 0; i < n; ++i) {
      const std::uint32_t user = random() % 6;
      const std::uint32_t item = random() % 4;
      const auto value = static_cast<float>(random() % 10);
      buffer.append(user, item, value);
      if (user_number[user] == kLeftOut || item_number[item] == kLeftOut) continue;
      expected.emplace_back(user_number[user], item_number[item], value);
    }
    std::sort(expected.begin(), expected.end());
    ThreadTeam team(2);
    const CompressedRows rows = group_by_user(std::move(buffer), user_number, item_number, 5, team);
    EXPECT_EQ(rows.rows(), 5U);
    EXPECT_EQ(entries_of(rows), expected);
  }
}

}  // namespace
}  // namespace als
