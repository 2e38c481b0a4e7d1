#include "core/trainer.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// splitmix64 (Steele, Lea and Flood 2014): maps counters to random-looking bits.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Standard deviation of initial factors, times the root of their number.
constexpr double kInitialScale = 0.1;

Factors make_factors(std::size_t rows, const TrainOptions& options) {
  return {FactorMatrix(rows, static_cast<std::size_t>(options.factors)),
          std::vector<float>(options.biases ? rows : 0, 0.0F)};
}

/// Uniform, with mean 0. Each number hangs on the seed, the key and its column alone.
Factors initial_factors(const std::vector<std::uint64_t>& keys, const TrainOptions& options) {
  Factors factors = make_factors(keys.size(), options);
  const double bound = kInitialScale * std::sqrt(3.0 / options.factors);
  for (std::size_t row = 0; row < keys.size(); ++row) {
    const std::uint64_t start = mix(mix(options.seed + kGolden) ^ keys[row]);
    for (std::size_t k = 0; k < factors.matrix.cols(); ++k) {
      const std::uint64_t bits = mix(start + (k + 1) * kGolden) >> 40;
      // 2^24 values between -1 and 1, none of them zero.
      const double unit = (static_cast<double>(bits) + 0.5) / (1 << 23) - 1.0;
      factors.matrix.row(row)[k] = static_cast<float>(bound * unit);
    }
  }
  return factors;
}

}  // namespace

Trainer::Trainer(const Ratings& ratings, const TrainOptions& options,
                 const std::vector<std::uint64_t>& item_keys, ThreadTeam& team)
    : team_(team),
      mean_(options.biases ? ratings.mean() : 0.0),
      user_step_(ratings.by_user(), ratings.items(), options, mean_),
      item_step_(ratings.by_item(), ratings.users(), options, mean_),
      workshop_(static_cast<std::size_t>(options.factors), options.biases, team),
      users_(make_factors(ratings.users(), options)),
      items_(initial_factors(item_keys, options)),
      item_ridge_(item_step_.ridge(items_, team)) {}

double Trainer::solve_users() {
  const HalfStep::Result result = user_step_.solve(items_, workshop_, team_, users_);
  user_ridge_ = result.ridge;
  refined_rows_ += result.refined_rows;
  return result.fit + user_ridge_ + item_ridge_;
}

double Trainer::solve_items() {
  const HalfStep::Result result = item_step_.solve(users_, workshop_, team_, items_);
  item_ridge_ = result.ridge;
  refined_rows_ += result.refined_rows;
  return result.fit + user_ridge_ + item_ridge_;
}

}  // namespace als
