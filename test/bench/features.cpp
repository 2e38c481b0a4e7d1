// What features of items cost a training, tags first and then numbers: make bench-features.
// Arguments: millions of ratings (20), factors (64), features of an item (20), tags in all (5000).

#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/features/number_knots.h"
#include "core/kernels/simd_level.h"
#include "core/train/training_loop.h"
#include "drawn_ratings.h"
#include "processor_time.h"

namespace als {
namespace {

/// Columns of numbers from -2 to 2: of each the line, and two knots of sixteen.
FeatureRows draw_numbers(std::size_t items, std::size_t of_item) {
  std::mt19937_64 random(9);
  const std::size_t n_columns = of_item / 3;
  const std::size_t n_features = n_columns * (1 + kMostKnots);
  std::vector<double> values(items);
  std::vector<std::vector<std::pair<std::uint32_t, float>>> cells(items);
  for (std::size_t column = 0; column < n_columns; ++column) {
    for (double& value : values) value = static_cast<double>(random() % 4001) / 1000 - 2;
    const std::vector<double> knots = knots_of(values);
    const auto line = static_cast<std::uint32_t>(column * (1 + kMostKnots));
    for (std::size_t i = 0; i < items; ++i) {
      const Hats hats = hats_at(knots, values[i]);
      const auto knot = line + 1 + static_cast<std::uint32_t>(hats.first);
      cells[i].emplace_back(line, static_cast<float>(values[i]));
      cells[i].emplace_back(knot, static_cast<float>(hats.of_first));
      if (hats.of_next > 0) cells[i].emplace_back(knot + 1, static_cast<float>(hats.of_next));
    }
  }
  CompressedRows rows;
  rows.offsets.push_back(0);
  for (const auto& row : cells) {
    for (const auto& [feature, value] : row) {
      rows.columns.push_back(feature);
      rows.values.push_back(value);
    }
    rows.offsets.push_back(rows.columns.size());
  }
  return {std::move(rows), n_features};
}

FeatureRows draw_tags(std::size_t items, std::size_t of_item, std::size_t all) {
  std::mt19937_64 random(9);
  CompressedRows rows;
  rows.offsets.push_back(0);
  for (std::size_t i = 0; i < items; ++i) {
    std::set<std::uint32_t> drawn;
    while (drawn.size() < of_item) drawn.insert(static_cast<std::uint32_t>(random() % all));
    rows.columns.insert(rows.columns.end(), drawn.begin(), drawn.end());
    rows.values.insert(rows.values.end(), drawn.size(), 1.0F);
    rows.offsets.push_back(rows.columns.size());
  }
  return {std::move(rows), all};
}

double seconds_of(const Ratings& ratings, const TrainOptions& options, const FeatureRows* features,
                  ThreadTeam& team) {
  std::vector<std::uint64_t> keys(ratings.items());
  std::iota(keys.begin(), keys.end(), 0U);
  const double start = processor_seconds();
  TrainingLoop loop(ratings, options, start_of_training(ratings, keys, options, team), team,
                    SideFeatures{nullptr, features});
  while (!loop.finished()) loop.iterate();
  return processor_seconds() - start;
}

int run(int argc, char** argv) {
  const auto argument = [&](int n, double otherwise) {
    return argc > n ? std::atof(argv[n]) : otherwise;
  };
  ThreadTeam team(1);
  const Ratings ratings = draw_ratings(static_cast<std::size_t>(argument(1, 20) * 1e6), team);
  TrainOptions options;
  options.factors = static_cast<int>(argument(2, 64));
  options.iterations = 8;
  const auto of_item = static_cast<std::size_t>(argument(3, 20));
  const auto all = static_cast<std::size_t>(argument(4, 5000));
  const FeatureRows tags = draw_tags(ratings.items(), of_item, all);
  const FeatureRows numbers = draw_numbers(ratings.items(), of_item);
  std::printf("%s, one thread, %zu ratings, %zu users, %zu items\n", simd_level_name(simd_level()),
              ratings.size(), ratings.users(), ratings.items());
  std::printf("features  feedback     K  iterations  s without  s with  ratio\n");
  constexpr int kPairs = 2;
  for (int n = 0; n < 4 * kPairs; ++n) {
    const bool implicit = n % 2 == 1;
    const bool of_numbers = n >= 2 * kPairs;
    options.feedback = implicit ? Feedback::kImplicit : Feedback::kExplicit;
    options.biases = !implicit;
    options.alpha = 5;
    const double without = seconds_of(ratings, options, nullptr, team);
    const double with = seconds_of(ratings, options, of_numbers ? &numbers : &tags, team);
    std::printf("%-9s %-9s %4d %11d %10.2f %7.2f %6.2f\n", of_numbers ? "numbers" : "tags",
                implicit ? "implicit" : "explicit", options.factors, options.iterations, without,
                with, with / without);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace als

int main(int argc, char** argv) { return als::run(argc, argv); }
