// Checksums of rows: the same for the same ratings in any order, another for any other ratings.
#include "core/data/row_checksum.h"

#include <gtest/gtest.h>

namespace als {
namespace {

TEST(RowChecksum, IsTheSumOfItsRatingsInAnyOrder) {
  const std::vector<std::uint64_t> keys{0, 17, 99};
  CompressedRows rows;
  rows.offsets = {0, 2, 2, 5};
  for (std::uint32_t column : {0U, 2U, 0U, 1U, 2U}) rows.columns.push_back(column);
  for (float value : {1.5F, -2.0F, 0.0F, 3.0F, 4.0F}) rows.values.push_back(value);
  ThreadTeam team(2);
  const std::vector<std::uint64_t> sums = row_checksums(rows, keys, team);
  ASSERT_EQ(sums.size(), 3U);
  EXPECT_EQ(sums[0], rating_checksum(99, -2.0F) + rating_checksum(0, 1.5F));
  EXPECT_EQ(sums[1], 0U);
  EXPECT_EQ(sums[2],
            rating_checksum(99, 4.0F) + rating_checksum(17, 3.0F) + rating_checksum(0, 0.0F));
}

TEST(RowChecksum, TellsIdsAndValuesApart) {
  EXPECT_NE(rating_checksum(1, 2.0F), rating_checksum(2, 1.0F));
  EXPECT_NE(rating_checksum(0, 0.0F), 0U);
  EXPECT_NE(rating_checksum(5, 3.0F), rating_checksum(5, 3.0000002F));
  EXPECT_NE(rating_checksum(1, 5.0F) + rating_checksum(2, 3.0F),
            rating_checksum(1, 3.0F) + rating_checksum(2, 5.0F));
  EXPECT_EQ(rating_checksum(5, -0.0F), rating_checksum(5, 0.0F));
}

}  // namespace
}  // namespace als
