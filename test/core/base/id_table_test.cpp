#include "core/base/id_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/base/splitmix.h"

namespace als {
namespace {

void no_poll() {}

TEST(IdTable, NumbersKeysAsTheyCome) {
  IdTable table;
  std::vector<std::uint64_t> keys;
  for (std::uint64_t k = 0; k < 10000; ++k) {
    const std::uint64_t hash = splitmix(k);
    const auto equal = [&](std::uint32_t index) { return keys[index] == k; };
    ASSERT_EQ(table.find(hash, equal), IdTable::kMissing);
    keys.push_back(k);
    ASSERT_EQ(table.add(hash, no_poll), k);
  }
  EXPECT_EQ(table.size(), 10000U);
  EXPECT_FALSE(table.all_numbered());
  for (std::uint64_t k = 0; k < 10000; ++k) {
    const std::uint64_t hash = splitmix(k);
    table.prefetch(hash);
    ASSERT_NE(table.candidate(hash), IdTable::kMissing);
    ASSERT_EQ(table.find(hash, [&](std::uint32_t index) { return keys[index] == k; }), k);
    ASSERT_EQ(table.hashes()[k], hash);
  }
}

TEST(IdTable, TellsApartKeysOfTheSameHash) {
  IdTable table;
  for (std::uint32_t k = 0; k < 100; ++k) ASSERT_EQ(table.add(42, no_poll), k);
  EXPECT_EQ(table.candidate(42), 0U);
  for (std::uint32_t k = 0; k < 100; ++k) {
    ASSERT_EQ(table.find(42, [&](std::uint32_t index) { return index == k; }), k);
  }
  EXPECT_EQ(table.find(42, [](std::uint32_t) { return false; }), IdTable::kMissing);
}

TEST(IdTable, SharesTheNumbersWithKeysThatAreFoundElsewhere) {
  IdTable table;
  EXPECT_TRUE(table.all_numbered());
  for (std::uint64_t k = 0; k < 1000; ++k) ASSERT_EQ(table.number(splitmix(k), no_poll), k);
  EXPECT_TRUE(table.all_numbered());
  EXPECT_EQ(table.candidate(splitmix(7)), IdTable::kMissing);
  const auto any = [](std::uint32_t) { return true; };
  for (std::uint64_t k = 1000; k < 2000; ++k) ASSERT_EQ(table.add(splitmix(k), no_poll), k);
  for (std::uint64_t k = 2000; k < 9000; ++k) ASSERT_EQ(table.number(splitmix(k), no_poll), k);
  EXPECT_FALSE(table.all_numbered());
  EXPECT_EQ(table.find(splitmix(1234), any), 1234U);
  EXPECT_EQ(table.hashes()[5], splitmix(5));
}

}  // namespace
}  // namespace als
