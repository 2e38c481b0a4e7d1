// Lists of scored items that must be the same, bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "core/search/top_k.h"

namespace als {

inline void expect_same(const std::vector<ScoredItem>& found,
                        const std::vector<ScoredItem>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].item, expected[i].item) << i;
    ASSERT_EQ(found[i].score, expected[i].score) << i;
  }
}

}  // namespace als
