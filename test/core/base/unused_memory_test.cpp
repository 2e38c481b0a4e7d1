// Freed memory goes back to the system.
#include "core/base/unused_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "resident_bytes.h"

namespace als {
namespace {

TEST(UnusedMemory, GoesBackBetweenWhatIsInUse) {
  constexpr std::size_t kBytes = std::size_t{1} << 16;  // of the allocator's own, not a mapping
  constexpr std::size_t kBlocks = 512;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t b = 0; b < kBlocks; ++b) {
    blocks.emplace_back(new char[kBytes]);
    std::memset(blocks.back().get(), 1, kBytes);
  }
  for (std::size_t b = 0; b < kBlocks; b += 2) blocks[b].reset();
  const std::size_t before = resident_bytes();
  if (before == 0) GTEST_SKIP() << "nobody tells";
  give_back_unused_memory();
  EXPECT_LT(resident_bytes() + kBlocks / 4 * kBytes, before);
  EXPECT_EQ(blocks[1][kBytes - 1], 1);
}

}  // namespace
}  // namespace als
