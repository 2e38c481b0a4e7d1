// The exact searches, for scores and for cosines, against brute force. Over 400 lines, as all cases
// share the models that it is tried on.

#include "core/search/top_k_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/kernels/search_block.h"
#include "core/kernels/simd_level.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/products.h"
#include "core/search/cosine_search.h"
#include "random_model.h"
#include "sanitizers.h"
#include "scored_items.h"
#include "simd_levels.h"

namespace als {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Model {
  FactorMatrix rows;
  std::vector<float> bias;  // empty: none

  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

struct Images {
  AlignedVector<char> scores;
  AlignedVector<char> cosines;
};

Images images_of(const Model& model) {
  const FactorView rows = model.rows.view();
  Images images{AlignedVector<char>(TopKSearch::bytes(rows.rows, rows.cols), '\xff'),
                AlignedVector<char>(CosineSearch::bytes(rows.rows, rows.cols), '\xff')};
  TopKSearch::build(rows, model.bias_or_null(), images.scores.data(), [] {});
  CosineSearch::build(rows, images.cosines.data(), [] {});
  return images;
}

// |row| by row.
std::vector<float> norms_of(const FactorMatrix& rows) {
  std::vector<float> norms;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    norms.push_back(std::sqrt(dot(rows.row(i), rows.row(i), rows.cols())));
  }
  return norms;
}

std::vector<ScoredItem> best_of(const std::vector<float>& scores, std::size_t k,
                                const Bitmap* excluded) {
  TopK top(k);
  for (std::uint32_t i = 0; i < scores.size(); ++i) {
    if (excluded == nullptr || !(*excluded)[i]) top.offer(i, scores[i]);
  }
  return top.take();
}

// Both searches against all scores.
void check(const Model& model, const Images& images, const std::vector<float>& query, float base,
           const std::vector<std::size_t>& ks, const Bitmap* excluded) {
  const TopKSearch search(images.scores.data(), model.rows.view(), model.bias_or_null());
  const CosineSearch cosine_search(images.cosines.data(), model.rows.view());
  std::vector<float> scores(model.rows.rows());
  score_all(model.rows.view(), model.bias_or_null(), base, query.data(), scores.data());
  std::vector<float> cosines;
  for (std::size_t i = 0; i < model.rows.rows(); ++i) {
    cosines.push_back(cosine(query.data(), model.rows.row(i), query.size()));
    ASSERT_FALSE(std::fabs(cosines[i]) > 1);
  }
  for (const std::size_t k : ks) {
    SCOPED_TRACE("k " + std::to_string(k));
    expect_same(search.best(query.data(), base, k, excluded), best_of(scores, k, excluded));
    expect_same(cosine_search.best(query.data(), k, excluded), best_of(cosines, k, excluded));
  }
}

// By images that were built at any level of instructions, used at any: a session may find what a
// session with other settings has built.
void check_at_every_level(const Model& model, const std::vector<float>& query, float base,
                          const std::vector<std::size_t>& ks, const Bitmap* excluded = nullptr) {
  std::vector<Images> built;
  at_every_level([&] { built.push_back(images_of(model)); });
  at_every_level([&] {
    for (const Images& images : built) {
      SCOPED_TRACE("built at level " + std::to_string(&images - built.data()));
      check(model, images, query, base, ks, excluded);
    }
  });
}

const std::vector<std::size_t> kSomeKs = {0, 1, 10, 100, 100000};

// Component k has the standard deviation decay^k, and a row is scaled by row_scale().
Model random_model(
    std::size_t rows, std::size_t factors, float decay, std::mt19937_64& random,
    const std::function<float()>& row_scale = [] { return 1.0F; }) {
  std::normal_distribution<float> normal;
  Model model{FactorMatrix(rows, factors), {}};
  for (std::size_t i = 0; i < rows; ++i) {
    const float scale = row_scale();
    for (std::size_t k = 0; k < factors; ++k) {
      model.rows.row(i)[k] = scale * std::pow(decay, static_cast<float>(k)) * normal(random);
    }
  }
  return model;
}

Model with_bias(Model model, float deviation, std::mt19937_64& random) {
  model.bias = random_vector(model.rows.rows(), deviation, random);
  return model;
}

// Eigenvectors of many factors take a sanitizer's code a hundred times as long. They have tests of
// their own, so there numbers of rows are tried with fewer factors, and the most factors with rows
// for whose sum of squares, which is no number, there are none.
TEST(TopKSearch, RandomRowsOfAnyShape) {
  std::mt19937_64 random(1);
  for (const std::size_t factors : {1, 2, 7, 15, 16, 17, 33, 46, 47, 64, 65, 100, 256}) {
    for (const std::size_t rows : {1, 2, 15, 16, 17, 500}) {
      if (kIsSanitized && (factors > 100 || (factors > 65 && rows != 17))) continue;
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(factors));
      const Model model = random_model(rows, factors, 0.95F, random);
      const std::vector<float> query = random_vector(factors, 1, random);
      check_at_every_level(model, query, 0, kSomeKs);
      check_at_every_level(with_bias(model, 1, random), query, 3, kSomeKs);
    }
  }
  Model largest = random_model(100, 1024, 0.99F, random);
  if (kIsSanitized) largest.rows.row(99)[1023] = kNan;
  check(largest, images_of(largest), random_vector(1024, 1, random), 0, kSomeKs, nullptr);
}

TEST(TopKSearch, NoRows) {
  check_at_every_level({FactorMatrix(0, 20), {}}, std::vector<float>(20, 1.0F), 0, kSomeKs);
}

TEST(TopKSearch, TooManyFactors) { EXPECT_THROW(TopKSearch::bytes(10, 1025), std::length_error); }

TEST(TopKSearch, SpectraAndNormsLikeThoseOfModels) {
  std::mt19937_64 random(2);
  std::exponential_distribution<float> exponential;
  for (const float decay : {1.0F, 0.95F, 0.8F}) {
    SCOPED_TRACE(decay);
    const Model implicit =
        random_model(3000, 64, decay, random, [&] { return std::exp(-exponential(random)); });
    const Model flat = with_bias(random_model(3000, 64, decay, random), 0.4F, random);
    for (int repeat = 0; repeat < 3; ++repeat) {
      const std::vector<float> query = random_vector(64, 0.3F, random);
      check_at_every_level(implicit, query, 0, kSomeKs);
      check_at_every_level(flat, query, 3.5F, kSomeKs);
    }
  }
}

TEST(TopKSearch, BiasesOfAnyWeight) {
  std::mt19937_64 random(3);
  for (const float deviation : {1e-30F, 1e-3F, 1.0F, 1e3F, 1e30F}) {
    SCOPED_TRACE(deviation);
    const Model model = with_bias(random_model(1000, 40, 0.9F, random), deviation, random);
    for (const float scale : {0.01F, 1.0F, 100.0F}) {
      const std::vector<float> query = random_vector(40, scale, random);
      for (const float base : {0.0F, -1e6F, deviation}) {
        check_at_every_level(model, query, base, {1, 10, 100});
      }
    }
  }
}

// Norms that say nothing, and bounds that all but touch.
TEST(TopKSearch, EqualNorms) {
  std::mt19937_64 random(4);
  Model model = random_model(2000, 24, 1, random);
  const std::vector<float> norms = norms_of(model.rows);
  for (std::size_t i = 0; i < norms.size(); ++i) {
    for (std::size_t k = 0; k < 24; ++k) model.rows.row(i)[k] /= norms[i];
  }
  for (int repeat = 0; repeat < 5; ++repeat) {
    check_at_every_level(model, random_vector(24, 1, random), 0, kSomeKs);
    const float* row = model.rows.row(static_cast<std::size_t>(repeat));
    check_at_every_level(model, std::vector<float>(row, row + 24), 0, kSomeKs);
  }
}

// Rows that all but equal the query, in directions that most rows lack: only bounds that hold to
// the last component let the best of them through.
TEST(TopKSearch, RowsLikeTheQuery) {
  std::mt19937_64 random(16);
  for (const std::size_t factors : {40, 64, 100}) {
    SCOPED_TRACE(factors);
    Model model = random_model(2000, factors, 1, random);
    std::vector<float> query = random_vector(factors, 0.3F, random);
    std::fill_n(query.begin(), factors / 2, 0.0F);
    for (std::size_t i = 0; i < 2000; ++i) {
      for (std::size_t k = factors / 2; k < factors; ++k) model.rows.row(i)[k] *= 0.2F;
    }
    for (std::size_t i = 0; i < 2000; i += 100) {
      const std::vector<float> noise = random_vector(factors, 1e-3F, random);
      const float length = 3 + static_cast<float>(random() % 100) / 1e4F;
      for (std::size_t k = 0; k < factors; ++k) {
        model.rows.row(i)[k] = length * (query[k] + noise[k]);
      }
    }
    check_at_every_level(model, query, 0, {1, 2, 10, 15});
    model.bias = random_vector(2000, 1e-3F, random);
    check_at_every_level(model, query, 0, {1, 2, 10, 15});
  }
}

// Vectors that differ in length alone, by any power of ten: all cosines are 1, or -1.
TEST(TopKSearch, CosinesOfParallelVectors) {
  std::mt19937_64 random(19);
  for (const std::size_t factors : {2, 3, 64, 200}) {
    SCOPED_TRACE(factors);
    const std::vector<float> direction = random_vector(factors, 1, random);
    Model model{FactorMatrix(75, factors), {}};
    for (std::size_t i = 0; i < 75; ++i) {
      const auto length = std::pow(10.0F, static_cast<float>(i) - 38);
      for (std::size_t k = 0; k < factors; ++k) {
        model.rows.row(i)[k] = (i % 5 == 4 ? -length : length) * direction[k];
      }
    }
    for (const std::size_t row : {0, 3, 20, 38, 40, 60, 73}) {
      const float* from = model.rows.row(row);
      const std::vector<float> query(from, from + factors);
      check_at_every_level(model, query, 0, kSomeKs);
      const Images images = images_of(model);
      const CosineSearch search(images.cosines.data(), model.rows.view());
      for (const ScoredItem& found : search.best(query.data(), 100, nullptr)) {
        ASSERT_EQ(found.score, (found.item % 5 == 4) == (row % 5 == 4) ? 1.0F : -1.0F);
      }
    }
  }
}

// With a single factor, the upper_bound of a row and the length of the query are its score.
TEST(TopKSearch, BoundsThatAreScores) {
  std::mt19937_64 random(18);
  std::normal_distribution<float> normal;
  for (int repeat = 0; repeat < 300; ++repeat) {
    Model model{FactorMatrix(100, 1), {}};
    for (std::size_t i = 0; i < 100; ++i) {
      const float y = std::exp(normal(random));
      model.rows.row(i)[0] = y;
      model.bias.push_back(-y * std::exp(normal(random)));
    }
    check_at_every_level(model, {std::exp(2 * normal(random))}, 0, {1, 2, 10});
  }
}

// A long query makes rows win that upper_bound little, after others which cannot.
TEST(TopKSearch, LongRowsWithLowBiases) {
  std::mt19937_64 random(17);
  Model model = random_model(192, 8, 1, random);
  const std::vector<float> norms = norms_of(model.rows);
  const float lengths[] = {1.0F, 0.1F, 2.0F};
  const float biases[] = {0.5F, 1.5F, -3.0F};
  for (std::size_t i = 0; i < 192; ++i) {
    for (std::size_t k = 0; k < 8; ++k) model.rows.row(i)[k] *= lengths[i / 64] / norms[i];
    model.bias.push_back(biases[i / 64]);
  }
  check_at_every_level(model, random_vector(8, 4, random), 0, kSomeKs);
}

TEST(TopKSearch, AllScoresNegative) {
  std::mt19937_64 random(5);
  Model model = random_model(1000, 32, 0.9F, random);
  for (std::size_t i = 0; i < 1000; ++i) {
    for (std::size_t k = 0; k < 32; ++k) model.rows.row(i)[k] = -std::fabs(model.rows.row(i)[k]);
  }
  std::vector<float> query = random_vector(32, 1, random);
  for (float& value : query) value = std::fabs(value);
  check_at_every_level(model, query, 0, kSomeKs);
  check_at_every_level(with_bias(model, 0.1F, random), query, -5, kSomeKs);
}

// Every score is the same: the lowest indexes win.
TEST(TopKSearch, Zeros) {
  std::mt19937_64 random(6);
  Model model{FactorMatrix(300, 20), {}};
  const std::vector<float> query = random_vector(20, 1, random);
  check_at_every_level(model, query, 1.5F, kSomeKs);
  check_at_every_level(with_bias(model, 1, random), query, 1.5F, kSomeKs);
  model = random_model(300, 20, 0.9F, random);
  check_at_every_level(model, std::vector<float>(20, 0.0F), 1.5F, kSomeKs);
  std::fill_n(model.rows.row(7), 20, 0.0F);
  for (std::size_t i = 100; i < 290; ++i) std::fill_n(model.rows.row(i), 20, 0.0F);
  check_at_every_level(model, query, 1.5F, kSomeKs);
}

TEST(TopKSearch, TiesGoToTheLowerIndex) {
  std::mt19937_64 random(7);
  Model model = random_model(2000, 48, 0.9F, random);
  for (std::size_t i = 0; i < 2000; ++i) {
    std::copy_n(model.rows.row(random() % 50), 48, model.rows.row(i));
  }
  Model biased = model;
  for (std::size_t i = 0; i < 2000; ++i) biased.bias.push_back(static_cast<float>(random() % 2));
  for (int repeat = 0; repeat < 5; ++repeat) {
    const std::vector<float> query = random_vector(48, 1, random);
    check_at_every_level(model, query, 0, {1, 5, 40, 41, 500});
    check_at_every_level(biased, query, 0, {1, 5, 40, 41, 500});
  }
}

TEST(TopKSearch, ExcludedRows) {
  std::mt19937_64 random(8);
  const Model model = with_bias(random_model(8000, 32, 0.8F, random), 0.3F, random);
  const std::vector<float> query = random_vector(32, 1, random);
  std::vector<float> scores(8000);
  score_all(model.rows.view(), model.bias.data(), 0, query.data(), scores.data());
  for (const std::size_t count : {1, 10, 5000, 7995, 8000}) {
    SCOPED_TRACE(count);
    Bitmap excluded(8000);
    for (const ScoredItem& seen : best_of(scores, count, nullptr)) excluded.set(seen.item);
    check_at_every_level(model, query, 0, {1, 10, 100}, &excluded);
  }
}

TEST(TopKSearch, HugeAndTinyValues) {
  std::mt19937_64 random(9);
  for (const float scale :
       {1e-44F, 1e-38F, 1e-30F, 1e-20F, 1e-12F, 1e-6F, 1e6F, 1e12F, 1e16F, 1e18F, 1e25F, 1e37F}) {
    for (const float query_scale : {1e-44F, 1e-30F, 1e-10F, 1.0F, 1e10F, 1e20F, 1e37F}) {
      SCOPED_TRACE(std::to_string(scale) + " and " + std::to_string(query_scale));
      const Model model = random_model(200, 20, 0.8F, random, [&] { return scale; });
      const std::vector<float> query = random_vector(20, query_scale, random);
      check_at_every_level(model, query, 0, {1, 10, 300});
      check_at_every_level(with_bias(model, scale, random), query, 1, {1, 10, 300});
    }
  }
}

TEST(TopKSearch, RowsOfVeryDifferentSizes) {
  std::mt19937_64 random(10);
  std::uniform_real_distribution<float> exponent(-44, 37);
  for (int repeat = 0; repeat < 10; ++repeat) {
    Model model =
        random_model(500, 20, 0.9F, random, [&] { return std::pow(10.0F, exponent(random)); });
    const std::vector<float> query =
        random_vector(20, std::pow(10.0F, exponent(random) / 3), random);
    check_at_every_level(model, query, 0, kSomeKs);
    check_at_every_level(with_bias(model, 1, random), query, 1, kSomeKs);
  }
}

TEST(TopKSearch, ValuesThatAreNotFinite) {
  std::mt19937_64 random(11);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> odd = {kNan, infinity, -infinity};
  for (const std::size_t count : {1, 20, 400}) {
    SCOPED_TRACE(count);
    Model model = random_model(400, 20, 0.9F, random);
    const std::vector<float> query = random_vector(20, 1, random);
    Model biased = with_bias(model, 1, random);
    for (std::size_t n = 0; n < count; ++n) {
      biased.bias[random() % 400] = odd[n % 3];
      model.rows.row(random() % 400)[random() % 20] = odd[n % 3];
    }
    check_at_every_level(model, query, 0, kSomeKs);
    check_at_every_level(biased, query, 0, kSomeKs);
    biased.rows = model.rows;
    check_at_every_level(biased, query, 0, kSomeKs);
    for (const float value : odd) {
      check_at_every_level(biased, query, value, kSomeKs);
      std::vector<float> odd_query = query;
      odd_query[3] = value;
      check_at_every_level(biased, odd_query, 0, kSomeKs);
    }
  }
}

// Rows that a search has ruled out are never looked at. Here they are replaced, once the image is
// built, by what would win.
//
// Which rows those are at least, whatever the numbers: with no more than 46 components, which the
// integers hold all of, a row's bound exceeds its score by twice the slack at most, some 5e-4 |x|
// |y|. And a row is looked at only if its bound reaches the k-th best score that was known when the
// batch it is in was begun. From a batch at most kFoundRows come to be scored, so that score is the
// (k + kFoundRows)-th best of all rows at least, unless rows further on are better still; those of
// low scores are not. But for the first rows, of which the search scores some for an idea of a good
// score, whatever their bounds: the order of rows has to be known, hence their lengths.
TEST(TopKSearch, LooksAtFewRows) {
  at_every_level([] {
    constexpr std::size_t kRows = 20000;
    constexpr std::size_t kFactors = 40;
    constexpr std::size_t kFirst = 4096;
    constexpr std::size_t kBest = 10;
    for (unsigned seed = 1; seed <= (kIsSanitized ? 2 : 6); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937_64 random(seed);
      const bool biased = seed % 2 == 0;
      Model model = random_model(kRows, kFactors, 0.9F, random);
      const std::vector<float> norms = norms_of(model.rows);
      for (std::size_t i = 0; i < kRows; ++i) {
        const float length = 1 / std::sqrt(1 + static_cast<float>(i) / 1000);
        for (std::size_t k = 0; k < kFactors; ++k) model.rows.row(i)[k] *= length / norms[i];
        if (biased) model.bias.push_back(i < kFirst ? 0.1F : 0.0F);
      }
      const AlignedVector<char> image = images_of(model).scores;
      const std::vector<float> query = random_vector(kFactors, 1, random);
      std::vector<float> scores(kRows);
      score_all(model.rows.view(), model.bias_or_null(), 0, query.data(), scores.data());

      const float length = std::sqrt(dot(query.data(), query.data(), kFactors));
      const float ruled_out =
          best_of(scores, kBest + kFoundRows, nullptr).back().score - 1e-3F * length;
      std::size_t replaced = 0;
      for (std::size_t i = kFirst; i < kRows; ++i) {
        if (scores[i] >= ruled_out) continue;
        ++replaced;
        for (std::size_t k = 0; k < kFactors; ++k) model.rows.row(i)[k] = 100 * query[k];
      }
      EXPECT_GT(replaced, kRows - kFirst - kFoundRows);
      const TopKSearch search(image.data(), model.rows.view(), model.bias_or_null());
      expect_same(search.best(query.data(), 0, kBest, nullptr), best_of(scores, kBest, nullptr));
    }
  });
}

TEST(TopKSearch, ImageMayLieAnywhere) {
  std::mt19937_64 random(13);
  const Model model = random_model(1000, 32, 0.9F, random);
  const std::vector<float> query = random_vector(32, 1, random);
  AlignedVector<char> image = images_of(model).scores;
  const std::vector<ScoredItem> expected =
      TopKSearch(image.data(), model.rows.view(), nullptr).best(query.data(), 0, 10, nullptr);
  const AlignedVector<char> copy = image;
  std::fill(image.begin(), image.end(), '\0');
  expect_same(
      TopKSearch(copy.data(), model.rows.view(), nullptr).best(query.data(), 0, 10, nullptr),
      expected);
}

TEST(TopKSearch, GramMatrix) {
  std::mt19937_64 random(14);
  for (const std::size_t factors : {1, 16, 37}) {
    const Model model = random_model(5000, factors, 0.9F, random);
    const AlignedVector<char> image = images_of(model).scores;
    const TopKSearch search(image.data(), model.rows.view(), nullptr);
    for (std::size_t r = 0; r < factors; ++r) {
      for (std::size_t c = 0; c <= r; ++c) {
        double sum = 0;
        double magnitude = 0;
        for (std::size_t i = 0; i < 5000; ++i) {
          const double product = static_cast<double>(model.rows.row(i)[r]) * model.rows.row(i)[c];
          sum += product;
          magnitude += std::fabs(product);
        }
        ASSERT_NEAR(search.gram()[matrix_index(r, c)], sum, 1e-5 * magnitude) << r << " " << c;
      }
    }
  }
}

TEST(TopKSearch, BuildCanBeAbandoned) {
  std::mt19937_64 random(15);
  const Model model = random_model(40000, 16, 0.9F, random);
  AlignedVector<char> image(TopKSearch::bytes(40000, 16));
  int calls = 0;
  TopKSearch::build(model.rows.view(), nullptr, image.data(), [&] { ++calls; });
  ASSERT_GT(calls, 100);
  for (const int last : {1, calls / 2, calls}) {
    int left = last;
    EXPECT_THROW(TopKSearch::build(model.rows.view(), nullptr, image.data(),
                                   [&] {
                                     if (--left == 0) throw std::runtime_error("stop");
                                   }),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace als
