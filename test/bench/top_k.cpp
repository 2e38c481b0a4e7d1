// How fast the best ten of many items are found on one core of this machine, by scoring them all
// and by the pruned search: make bench-top-k.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include "core/base/thread_team.h"
#include "core/evaluate/ranking_evaluator.h"
#include "core/kernels/simd_level.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/products.h"
#include "core/search/batch_recommender.h"
#include "core/search/cosine_search.h"
#include "core/search/top_k.h"
#include "core/search/top_k_search.h"
#include "processor_time.h"

namespace als {
namespace {

constexpr std::size_t kFactors = 64;
constexpr std::size_t kBest = 10;

/// Models as training with 64 factors makes them of 20 million ratings. Implicit feedback: few
/// items are popular, and have long vectors, and all vectors have a direction in common. Explicit
/// feedback: items differ less in length, but have biases.
struct Shape {
  const char* name;
  float common;       ///< mean of the first component, where the deviation is 0.6
  float decay;        ///< standard deviation of component k: 0.6 (k + 1)^-decay
  float user_length;  ///< what a user's vector is multiplied by
  float item_length;  ///< what that of an item is multiplied by, and by a power of its popularity
  float exponent;     ///< that power
  float bias_deviation;  ///< 0: no biases
};

constexpr Shape kShapes[] = {{"implicit", 1.0F, 0.3F, 0.14F, 0.037F, 1.0F, 0.0F},
                             {"explicit", 0.0F, 0.25F, 0.65F, 0.54F, 0.15F, 0.42F}};

/// Vectors whose directions are turned at random, as those of a model are.
class Generator {
 public:
  explicit Generator(const Shape& shape) : shape_(shape), turn_(kFactors * kFactors) {
    // A product of reflections is a rotation, or a reflection, in a random direction.
    for (std::size_t k = 0; k < kFactors; ++k) turn_[k * kFactors + k] = 1;
    for (std::size_t n = 0; n < kFactors; ++n) {
      float axis[kFactors];
      float square = 0;
      for (float& value : axis) {
        value = normal_(random_);
        square += value * value;
      }
      for (std::size_t r = 0; r < kFactors; ++r) {
        float* row = turn_.data() + r * kFactors;
        const float along = 2 * dot(row, axis, kFactors) / square;
        for (std::size_t k = 0; k < kFactors; ++k) row[k] -= along * axis[k];
      }
    }
  }

  void fill(float length, float* vector) {
    std::fill_n(vector, kFactors, 0.0F);
    for (std::size_t r = 0; r < kFactors; ++r) {
      const float deviation = 0.6F * normal_(random_);
      const float component = length * std::pow(static_cast<float>(r + 1), -shape_.decay) *
                              (r == 0 ? shape_.common + deviation : deviation);
      for (std::size_t k = 0; k < kFactors; ++k) vector[k] += component * turn_[r * kFactors + k];
    }
  }

  /// Items in random order of their popularity.
  Factors items(std::size_t count) {
    Factors items{FactorMatrix(count, kFactors), {}};
    std::vector<std::size_t> ranks(count);
    for (std::size_t i = 0; i < count; ++i) ranks[i] = i;
    std::shuffle(ranks.begin(), ranks.end(), random_);
    for (std::size_t i = 0; i < count; ++i) {
      const float popularity =
          1 / (0.01F + static_cast<float>(ranks[i]) / static_cast<float>(count));
      fill(shape_.item_length * std::pow(popularity, shape_.exponent), items.matrix.row(i));
      if (shape_.bias_deviation > 0) items.bias.push_back(shape_.bias_deviation * normal_(random_));
    }
    return items;
  }

 private:
  const Shape& shape_;
  std::mt19937_64 random_{1};
  std::normal_distribution<float> normal_;
  std::vector<float> turn_;
};

/// Microseconds a query: the mean over all of them, and half a second at least.
template <class Run>
double microseconds(std::size_t queries, const Run& run) {
  run(0);
  std::size_t runs = 0;
  const double start = processor_seconds();
  double passed = 0;
  while (passed < 0.5) {
    for (std::size_t q = 0; q < queries; ++q) run(q);
    runs += queries;
    passed = processor_seconds() - start;
  }
  return 1e6 * passed / static_cast<double>(runs);
}

/// Microseconds a user of many, on one thread: of lists, and of ranks of ten items among all.
void measure_many(const BiasedView& items, const FactorMatrix& users) {
  ThreadTeam team(1);
  std::vector<std::uint32_t> numbers(users.rows());
  std::iota(numbers.begin(), numbers.end(), 0U);
  double start = processor_seconds();
  BatchRecommender recommender(items, kBest, team);
  const double tiles = processor_seconds() - start;
  const auto per_user = [&] {
    return 1e6 * (processor_seconds() - start) / static_cast<double>(users.rows());
  };
  start = processor_seconds();
  recommender.recommend(
      numbers.data(), numbers.size(),
      [&](std::size_t user) {
        return BatchRecommender::Query{users.row(user), 3.5F};
      },
      nullptr);
  const double lists = per_user();
  std::vector<float> popularity(items.vectors.rows);
  for (std::size_t i = 0; i < popularity.size(); ++i) popularity[i] = static_cast<float>(i % 5000);
  RankingEvaluator evaluator(items, popularity.data(), {10}, team);
  start = processor_seconds();
  std::mt19937 random(3);
  evaluator.add(users.rows(), [&](std::size_t n, RankedUser& user) {
    user.vector = users.row(n);
    user.base = 3.5F;
    for (int r = 0; r < 10; ++r)
      user.relevant.push_back(random() % static_cast<std::uint32_t>(items.vectors.rows));
    for (int r = 0; r < 130; ++r)
      user.excluded.push_back(random() % static_cast<std::uint32_t>(items.vectors.rows));
  });
  std::printf(" %.1f | %.1f | %.2f |\n", lists, per_user(), tiles);
}

void measure(const Shape& shape, std::size_t count) {
  Generator generator(shape);
  const Factors items = generator.items(count);
  const float* bias = items.bias.empty() ? nullptr : items.bias.data();
  FactorMatrix queries(100, kFactors);
  for (std::size_t q = 0; q < queries.rows(); ++q)
    generator.fill(shape.user_length, queries.row(q));

  std::vector<float> scores(count);
  const double brute = microseconds(3, [&](std::size_t q) {
    score_all(items.matrix.view(), bias, 3.5F, queries.row(q), scores.data());
    TopK top(kBest);
    for (std::size_t i = 0; i < count; ++i) top.offer(static_cast<std::uint32_t>(i), scores[i]);
    top.take();
  });
  AlignedVector<char> image(TopKSearch::bytes(count, kFactors));
  const double before = processor_seconds();
  TopKSearch::build(items.matrix.view(), bias, image.data(), [] {});
  const double built = processor_seconds() - before;
  const TopKSearch search(image.data(), items.matrix.view(), bias);
  const double pruned = microseconds(
      queries.rows(), [&](std::size_t q) { search.best(queries.row(q), 3.5F, kBest, nullptr); });
  AlignedVector<char> cosine_image(CosineSearch::bytes(count, kFactors));
  CosineSearch::build(items.matrix.view(), cosine_image.data(), [] {});
  const CosineSearch cosine_search(cosine_image.data(), items.matrix.view());
  const double cosine = microseconds(queries.rows(), [&](std::size_t q) {
    cosine_search.best(items.matrix.row(q), kBest, nullptr);
  });
  std::printf("| %s | %s | %zu | %.0f | %.1f | %.1f | %.2f |", simd_level_name(simd_level()),
              shape.name, count, brute, pruned, cosine, built);
  FactorMatrix users(count < 100000 ? 3000 : 300, kFactors);
  for (std::size_t u = 0; u < users.rows(); ++u) generator.fill(shape.user_length, users.row(u));
  measure_many({items.matrix.view(), bias}, users);
}

}  // namespace
}  // namespace als

int main() {
  std::printf(
      "The best %zu of items with %zu factors, one core\n\n"
      "| als.simd | feedback | items | all scored (us) | search (us) | by cosine (us) | build (s) "
      "| a list of many (us) | ranks of 10 (us) | tiles (s) |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n",
      als::kBest, als::kFactors);
  for (const als::SimdLevel level : als::available_simd_levels()) {
    als::set_simd_level(level);
    for (const std::size_t count : {27000, 1000000}) {
      for (const als::Shape& shape : als::kShapes) als::measure(shape, count);
    }
  }
}
