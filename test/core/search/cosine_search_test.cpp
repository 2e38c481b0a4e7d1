// The search for cosines on as many rows as make it leave out most; top_k_search_test.cpp has the
// odd cases.
#include "core/search/cosine_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/linalg/products.h"
#include "random_model.h"
#include "sanitizers.h"
#include "scored_items.h"
#include "simd_levels.h"

namespace als {
namespace {

AlignedVector<char> image_of(const FactorView& rows) {
  AlignedVector<char> image(CosineSearch::bytes(rows.rows, rows.cols), '\xff');
  CosineSearch::build(rows, image.data(), [] {});
  return image;
}

std::vector<ScoredItem> best_of_all(const FactorView& rows, const float* query, std::size_t k) {
  TopK top(k);
  for (std::uint32_t row = 0; row < rows.rows; ++row)
    top.offer(row, cosine(query, rows.row(row), rows.cols));
  return top.take();
}

// Rows that are alike and rows that are not, in which the first components hold all or little; of a
// common direction, or of none.
TEST(CosineSearch, ManyRows) {
  std::mt19937_64 random(1);
  for (const std::size_t factors : {5, 64, 90}) {
    for (const float decay : {0.7F, 0.95F, 1.0F}) {
      if (kIsSanitized && decay != 0.95F) continue;
      SCOPED_TRACE(std::to_string(factors) + " factors, decay " + std::to_string(decay));
      RandomModel model(12345, factors, decay, random);
      for (std::size_t i = 0; i < 6000; ++i) model.rows.row(i)[0] += 2;
      model.make_rows_alike(11000, random);
      const FactorView rows = model.rows.view();
      const AlignedVector<char> image = image_of(rows);
      at_every_level([&] {
        const CosineSearch search(image.data(), rows);
        for (std::size_t row = 0; row < 12345; row += 617) {
          for (const std::size_t k : {1, 11, 300})
            expect_same(search.best(rows.row(row), k, nullptr),
                        best_of_all(rows, rows.row(row), k));
        }
        const std::vector<float> query = random_vector(factors, 1, random);
        expect_same(search.best(query.data(), 11, nullptr), best_of_all(rows, query.data(), 11));
      });
    }
  }
}

// The rotation is made of every third row: of the others it leaves more beyond the components that
// digits are of, or all. Rows of one large component and many small ones are known by no scale.
TEST(CosineSearch, RowsThatAreNotSampled) {
  constexpr std::size_t kRows = 132000;
  std::mt19937_64 random(4);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (const std::size_t common : {3, 90}) {
    FactorMatrix rows(kRows, 90);
    for (std::size_t i = 0; i < kRows; ++i) {
      float* row = rows.row(i);
      for (std::size_t k = 0; k < (i % 3 == 0 ? common : 90); ++k)
        row[k] = uniform(random) * (i % 5 == 0 ? 0.01F : 1.0F);
      if (i % 5 == 0) row[i % 90] += 1;
    }
    const AlignedVector<char> image = image_of(rows.view());
    at_every_level([&] {
      const CosineSearch search(image.data(), rows.view());
      for (const std::size_t row : {0, 1, 5, 131000})
        expect_same(search.best(rows.row(row), 10, nullptr),
                    best_of_all(rows.view(), rows.row(row), 10));
    });
  }
}

TEST(CosineSearch, ImageMayLieAnywhere) {
  std::mt19937_64 random(2);
  const RandomModel model(3000, 32, 0.9F, random);
  AlignedVector<char> image = image_of(model.rows.view());
  const AlignedVector<char> copy = image;
  const float* query = model.rows.row(7);
  const auto expected = CosineSearch(image.data(), model.rows.view()).best(query, 10, nullptr);
  std::fill(image.begin(), image.end(), '\0');
  expect_same(CosineSearch(copy.data(), model.rows.view()).best(query, 10, nullptr), expected);
}

TEST(CosineSearch, BuildCanBeAbandoned) {
  std::mt19937_64 random(3);
  const RandomModel model(40000, 16, 0.9F, random);
  AlignedVector<char> image(CosineSearch::bytes(40000, 16));
  int calls = 0;
  CosineSearch::build(model.rows.view(), image.data(), [&] { ++calls; });
  EXPECT_GT(calls, 20);
  for (int last : {1, calls / 2, calls}) {
    int left = last;
    EXPECT_THROW(CosineSearch::build(model.rows.view(), image.data(),
                                     [&] {
                                       if (--left == 0) throw std::runtime_error("stop");
                                     }),
                 std::runtime_error);
  }
}

TEST(CosineSearch, TooManyFactors) {
  EXPECT_THROW(CosineSearch::bytes(10, 1025), std::length_error);
}

}  // namespace
}  // namespace als
