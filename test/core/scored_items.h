// Lists of scored items: their items alone, and whether two are the same, bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/search/top_k.h"

namespace als {

inline std::vector<std::uint32_t> items_of(const std::vector<ScoredItem>& list) {
  std::vector<std::uint32_t> items;
  items.reserve(list.size());
  for (const ScoredItem& scored : list) items.push_back(scored.item);
  return items;
}

inline void expect_same(const std::vector<ScoredItem>& found,
                        const std::vector<ScoredItem>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].item, expected[i].item) << i;
    ASSERT_EQ(found[i].score, expected[i].score) << i;
  }
}

}  // namespace als
