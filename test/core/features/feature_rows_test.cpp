// Checksums of features: the same for the same features, another for any others.
#include "core/features/feature_rows.h"

#include <gtest/gtest.h>

#include <set>

#include "core/data/row_checksum.h"

namespace als {
namespace {

TEST(FeatureChecksums, TellFeaturesAndValuesApart) {
  CompressedRows rows;
  rows.offsets = {0, 2, 2, 4, 6, 7, 8};
  for (std::uint32_t feature : {0U, 2U, 0U, 2U, 0U, 1U, 2U, 2U}) rows.columns.push_back(feature);
  for (float value : {1.0F, 2.0F, 1.0F, 2.0F, 1.0F, 2.0F, 2.0F, 1.0F}) rows.values.push_back(value);
  ThreadTeam team(2);
  const std::vector<std::uint64_t> sums = feature_checksums(rows, 3, team);
  EXPECT_EQ(sums[0], sums[2]);
  EXPECT_EQ(sums[1], 0U);
  EXPECT_EQ(std::set<std::uint64_t>(sums.begin(), sums.end()).size(), 5U);
}

TEST(FeatureChecksums, AreNotThoseOfRatingsOfTheSameNumbers) {
  CompressedRows rows;
  rows.offsets = {0, 1};
  rows.columns = {0};
  rows.values = {1.0F};
  ThreadTeam team(1);
  for (std::uint64_t id = 0; id < 4; ++id)
    EXPECT_NE(feature_checksums(rows, 1, team)[0], rating_checksum(id, 1.0F));
}

}  // namespace
}  // namespace als
