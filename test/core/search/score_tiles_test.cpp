// The scores in tiles: are they within their margin, and is what they rule out never among the
// best?

#include "core/search/score_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/kernels/simd_level.h"
#include "random_model.h"
#include "simd_levels.h"

namespace als {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Also the kernels that this machine has something better than.
void with_all_kernels(const std::function<void(const Kernels& kernels)>& test) {
  at_every_level([&] { test(kernels()); });
#if defined(__x86_64__)
  if (is_available(SimdLevel::kAvx512)) test(avx512_kernels());
#endif
}

void check_margins(const RandomModel& model, const std::vector<std::vector<float>>& queries,
                   float base) {
  at_every_level([&] {
    ThreadTeam team(2);
    const ScoreTiles tiles(model.view(), nullptr, team);
    CodedQueries coded(model.rows.cols());
    for (const std::vector<float>& query : queries) ASSERT_TRUE(coded.add(query.data(), base));
    const std::size_t stride = tiles.size() * kTileItems;
    std::vector<float> scores(queries.size() * stride);
    tiles.score(0, tiles.size(), coded.coded(), scores.data());
    for (std::size_t q = 0; q < queries.size(); ++q) {
      // A limit that about half of the items reach, which some do to the bit.
      std::vector<float> exact;
      for (const std::uint32_t item : tiles.order())
        exact.push_back(tiles.score(queries[q].data(), base, item));
      std::vector<float> sorted = exact;
      std::sort(sorted.begin(), sorted.end());
      const std::vector<float> least(queries.size(), sorted[sorted.size() / 2]);
      std::vector<std::uint64_t> found(queries.size() * tiles.size());
      tiles.find(0, tiles.size(), coded, least.data(), found.data());
      for (std::size_t n = 0; n < exact.size(); ++n) {
        const std::size_t tile = n / kTileItems;
        const float margin = als::margin(coded[q], tiles.coded().bounds[tile]);
        ASSERT_LE(std::fabs(exact[n] - scores[q * stride + n]), margin) << q << " " << n;
        for (const std::size_t from : {tile, tile / 2, std::size_t{0}}) {
          const TileBound& bound = tiles.bound_from(from);
          const float error = als::margin(coded[q], bound);
          ASSERT_LE(margin, error);
          ASSERT_LE(exact[n], most(coded[q], bound, error)) << q << " " << n;
        }
        const bool is_found = (found[q * tiles.size() + tile] >> n % kTileItems & 1) != 0;
        if (exact[n] >= least[q]) {
          ASSERT_TRUE(is_found) << q << " " << n;
        }
        if (exact[n] < least[q] - 3 * margin) {
          ASSERT_FALSE(is_found) << q << " " << n;
        }
      }
    }
  });
}

TEST(ScoreTiles, AreWithinTheirMargin) {
  std::mt19937_64 random(1);
  for (const std::size_t factors : {1, 2, 7, 16, 33, 64, 100}) {
    for (const std::size_t rows : {1, 63, 64, 65, 300}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(factors));
      RandomModel model(rows, factors, 0.95F, random);
      std::vector<std::vector<float>> queries;
      queries.reserve(10);
      for (int q = 0; q < 9; ++q) queries.push_back(random_vector(factors, 1, random));
      queries.push_back(std::vector<float>(factors, 0.0F));
      check_margins(model, queries, 0);
      model.add_bias(3, random);
      check_margins(model, queries, -2.5F);
    }
  }
}

// The longest sums that fit 32 bits: vectors that point the same way, along an axis or across all.
TEST(ScoreTiles, ParallelVectors) {
  std::mt19937_64 random(2);
  for (const std::size_t factors : {1, 3, 64, 1024}) {
    SCOPED_TRACE(factors);
    RandomModel model(130, factors, 1, random);
    std::vector<std::vector<float>> queries;
    for (std::size_t item = 0; item < 130; item += 10) {
      float* row = model.rows.row(item);
      if (item % 20 == 0) std::fill_n(row, factors, 0.7F);
      if (item % 30 == 0) std::fill_n(row + 1, factors - 1, 0.0F);
      queries.emplace_back(row, row + factors);
      for (float& value : queries.back()) value *= 13;
    }
    check_margins(model, queries, 1);
  }
}

TEST(ScoreTiles, SizesOfAnyKind) {
  std::mt19937_64 random(3);
  for (const float size : {1e-44F, 1e-30F, 1e-12F, 1e-3F, 1e6F, 1e14F}) {
    for (const float query_size : {1e-44F, 1e-20F, 1.0F, 1e14F}) {
      for (const float bias : {0.0F, 1e-20F, 1.0F, 1e30F}) {
        SCOPED_TRACE(std::to_string(size) + " " + std::to_string(query_size) + " " +
                     std::to_string(bias));
        RandomModel model(200, 20, 0.9F, random);
        model.scale(size);
        if (bias > 0) model.add_bias(bias, random);
        check_margins(model, {random_vector(20, query_size, random)}, 2);
      }
    }
  }
}

// Such items are in no tile, such queries in no block.
TEST(ScoreTiles, WhatCannotBeTrusted) {
  std::mt19937_64 random(4);
  RandomModel model(100, 8, 1, random);
  model.add_bias(1, random);
  model.rows.row(3)[2] = std::nanf("");
  model.rows.row(50)[0] = 1e16F;
  model.bias[70] = kInfinity;
  model.bias[71] = std::nanf("");
  ThreadTeam team(1);
  Bitmap excluded(100);
  excluded.set(50);
  excluded.set(51);
  const ScoreTiles tiles(model.view(), &excluded, team);
  EXPECT_EQ(tiles.untrusted(), (std::vector<std::uint32_t>{3, 70, 71}));
  EXPECT_EQ(tiles.order().size(), 95U);
  CodedQueries coded(8);
  std::vector<float> query(8, 1.0F);
  for (const float odd : {std::nanf(""), kInfinity, 1e17F}) {
    query[5] = odd;
    EXPECT_FALSE(coded.add(query.data(), 0));
  }
  query[5] = 1;
  EXPECT_FALSE(coded.add(query.data(), -kInfinity));
  EXPECT_EQ(coded.size(), 0U);
  EXPECT_TRUE(coded.add(query.data(), 0));
}

TEST(ScoreRanges, CountsAndFinds) {
  std::mt19937_64 random(6);
  with_all_kernels([&](const Kernels& kernels) {
    for (const std::size_t count : {0, 16, 64, 1024}) {
      for (std::size_t n_ranges = 1; n_ranges < 12; ++n_ranges) {
        std::vector<float> scores(count);
        for (float& score : scores) score = static_cast<float>(random() % 20);
        for (std::size_t n = 0; n < count; n += 7) scores[n] = -kInfinity;
        std::vector<ScoreRange> ranges{{-kInfinity, kInfinity}};
        while (ranges.size() < n_ranges) {
          const auto low = static_cast<float>(random() % 20);
          ranges.push_back({low, low + static_cast<float>(random() % 5)});
        }
        std::sort(ranges.begin(), ranges.end(),
                  [](const ScoreRange& a, const ScoreRange& b) { return a.low < b.low; });
        std::vector<std::uint32_t> above(ranges.size(), 7);
        std::vector<std::uint32_t> not_under(ranges.size(), 5);
        std::vector<float> kept(count + 16);
        kernels.count_scores(scores.data(), count, ranges.data(), ranges.size(), kept.data(),
                             above.data(), not_under.data());
        for (std::size_t r = 0; r < ranges.size(); ++r) {
          std::vector<std::uint32_t> expected;
          std::uint32_t higher = 7;
          for (std::uint32_t n = 0; n < count; ++n) {
            higher += scores[n] > ranges[r].high ? 1 : 0;
            if (scores[n] >= ranges[r].low && scores[n] <= ranges[r].high) expected.push_back(n);
          }
          EXPECT_EQ(above[r], higher);
          // What pads the last vector of those kept may be counted by a range without a lower end.
          if (std::isfinite(ranges[r].low)) {
            EXPECT_EQ(not_under[r], higher + expected.size() - 2);
          }
          std::vector<std::uint32_t> found(count);
          found.resize(kernels.find_in_range(scores.data(), count, ranges[r], found.data()));
          EXPECT_EQ(found, expected);
          if (count == 0) continue;
          found.resize(count);
          found.resize(kernels.find_in_range(scores.data(), count - 3, ranges[r], found.data()));
          while (!expected.empty() && expected.back() >= count - 3) expected.pop_back();
          EXPECT_EQ(found, expected);
        }
      }
    }
  });
}

// Integers have one sum, so all kernels give the same scores.
TEST(ScoreTiles, AllKernelsGiveTheSame) {
  std::mt19937_64 random(7);
  RandomModel model(150, 33, 0.9F, random);
  ThreadTeam team(1);
  const ScoreTiles tiles(model.view(), nullptr, team);
  CodedQueries coded(33);
  for (int q = 0; q < 14; ++q) coded.add(random_vector(33, 1, random).data(), 0);
  const std::vector<float> least(14, 1.0F);
  std::vector<float> first;
  std::vector<std::uint64_t> first_found;
  with_all_kernels([&](const Kernels& kernels) {
    std::vector<float> scores(14 * 3 * kTileItems);
    kernels.score_tiles(tiles.coded(), 0, 3, coded.coded(), scores.data());
    std::vector<std::uint64_t> found(14 * 3);
    kernels.find_in_tiles(tiles.coded(), 0, 3, coded.coded(), least.data(), found.data());
    if (first.empty()) {
      first = scores;
      first_found = found;
    }
    EXPECT_EQ(found, first_found);
    for (std::size_t n = 0; n < scores.size(); ++n) {
      const bool is_past_the_end = std::isinf(first[n]);
      ASSERT_EQ(std::isinf(scores[n]), is_past_the_end);
      if (is_past_the_end) continue;
      ASSERT_NEAR(scores[n], first[n], 1e-6F * std::fabs(first[n]));
    }
  });
}

}  // namespace
}  // namespace als
