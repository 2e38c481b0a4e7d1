#include "core/linalg/segmented_sum.h"

#include <gtest/gtest.h>

#include <vector>

namespace als {
namespace {

TEST(SegmentedSum, AddsSegmentsInOrderForAnyNumberOfThreads) {
  // Job sizes that end within, at and beyond the ends of segments and batches.
  const std::vector<std::uint64_t> sizes = {1, 0, 10, 95, 30, 7, 400, 10, 3};
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 4}) {
    ThreadTeam team(threads);
    SegmentedSum sums(2, team);
    std::vector<float> totals(sizes.size(), -1.0F);
    std::vector<int> finished(sizes.size());
    sums.run(
        sizes, 10,
        [&](std::size_t job, std::uint64_t begin, std::uint64_t end, int, NormalEquations& sum) {
          for (std::uint64_t k = begin; k < end; ++k) {
            sum.rhs()[0] += 1.0F / static_cast<float>(k + job + 1);
            sum.rhs()[1] += 1.0F;
          }
        },
        [&](std::size_t job, const NormalEquations& sum, int) {
          ++finished[job];
          EXPECT_EQ(sum.rhs()[1], static_cast<float>(sizes[job]));
          totals[job] = sum.rhs()[0];
        });
    for (std::size_t job = 0; job < sizes.size(); ++job) EXPECT_EQ(finished[job], sizes[job] > 0);
    results.push_back(totals);
    EXPECT_EQ(results.front(), totals);
  }
}

}  // namespace
}  // namespace als
