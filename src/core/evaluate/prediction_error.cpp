// Sums of errors, and the error measures made of them.
#include "core/evaluate/prediction_error.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/products.h"
#include "core/search/top_k.h"

namespace als {
namespace {
constexpr std::size_t kUsersInBlock = 64;  // users that a thread takes at a time
}

void PredictionError::add(const PredictionError& other) {
  n_ += other.n_;
  squares_ += other.squares_;
  absolutes_ += other.absolutes_;
}

void PredictionSums::add(const PredictionSums& other) {
  model.add(other.model);
  means.add(other.means);
  deviations += other.deviations;
  deviation_squares += other.deviation_squares;
  lowest = std::min(lowest, other.lowest);
  highest = std::max(highest, other.highest);
}

double PredictionSums::spread() const {
  const double n = static_cast<double>(model.n());
  return n == 0 ? 0 : deviation_squares - deviations * deviations / n;
}

double PredictionError::rmse() const { return std::sqrt(squares_ / static_cast<double>(n_)); }

double PredictionError::mae() const { return absolutes_ / static_cast<double>(n_); }

PredictionEvaluator::PredictionEvaluator(const BiasedView& items,
                                         const std::vector<double>& item_means, double origin,
                                         ThreadTeam& team)
    : items_(items), item_means_(item_means), origin_(origin), team_(team) {}

void PredictionEvaluator::clip(float lowest, float highest) {
  lowest_ = lowest;
  highest_ = highest;
}

void PredictionEvaluator::add(std::size_t n, const std::function<User(std::size_t)>& user_of,
                              const OnUser& on_user) {
  // Users are added up one by one: blocks of them would depend on which users come in one call.
  std::vector<PredictionSums> sums(n);
  team_.for_each_block(n, kUsersInBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t u = begin; u < end; ++u) {
      const User user = user_of(u);
      PredictionSums& own = sums[u];
      for (std::size_t e = 0; e < user.ratings.count; ++e) {
        const std::uint32_t item = user.ratings.columns[e];
        const double rating = user.ratings.values[e];
        const float base = items_.bias == nullptr ? user.base : user.base + items_.bias[item];
        const float score = base + dot(user.vector, items_.row(item), items_.vectors.cols);
        const float prediction = std::clamp(score, lowest_, highest_);
        own.model.add(rating, prediction);
        own.means.add(rating, item_means_[item]);
        own.deviations += rating - origin_;
        own.deviation_squares += (rating - origin_) * (rating - origin_);
        own.lowest = std::min(own.lowest, rating);
        own.highest = std::max(own.highest, rating);
      }
      if (on_user) on_user(u, own);
    }
  });
  for (const PredictionSums& own : sums) sums_.add(own);
}

}  // namespace als
