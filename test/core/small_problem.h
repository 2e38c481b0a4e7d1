// Small training problems, and their objective from its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/ratings.h"
#include "core/train/options.h"
#include "core/train/trainer.h"

namespace als {

using Entry = RatingBuffer::Entry;

inline std::vector<std::uint32_t> identity(std::size_t n) {
  std::vector<std::uint32_t> rank(n);
  std::iota(rank.begin(), rank.end(), 0U);
  return rank;
}

inline Ratings ratings_of(const std::vector<Entry>& entries, std::size_t users, std::size_t items,
                          ThreadTeam& team) {
  RatingBuffer buffer;
  for (const Entry& e : entries) buffer.append(e.user, e.item, e.value);
  return Ratings(std::move(buffer), identity(users), identity(items), OnDuplicate::kAverage, team);
}

inline std::vector<std::uint64_t> keys_of(std::size_t items) {
  std::vector<std::uint64_t> keys(items);
  for (std::size_t i = 0; i < items; ++i) keys[i] = i * 0x9e3779b97f4a7c15;
  return keys;
}

/// Every cell is rated with this probability; ratings from -1 to 5 in halves, with some zeros.
inline std::vector<Entry> random_ratings(std::uint32_t users, std::uint32_t items, double density,
                                         std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries;
  for (std::uint32_t u = 0; u < users; ++u) {
    for (std::uint32_t i = 0; i < items; ++i) {
      if (static_cast<double>(random() % 1000) >= density * 1000) continue;
      entries.push_back({u, i, static_cast<float>(random() % 13) / 2.0F - 1.0F});
    }
  }
  return entries;
}

/// A cell's weight and target, by options.h.
struct Cell {
  double weight;
  double target;
};

/// All cells of a small problem in double precision, and what follows from them.
class NaiveObjective {
 public:
  NaiveObjective(const std::vector<Entry>& entries, std::size_t users, std::size_t items,
                 const TrainOptions& options, double mean, const std::vector<float>& weights = {})
      : users_(users), items_(items), options_(options), mean_(mean) {
    const bool implicit = options.feedback == Feedback::kImplicit;
    cells_.assign(users * items, Cell{implicit ? 1.0 : 0.0, 0.0});
    for (std::size_t n = 0; n < entries.size(); ++n) {
      const Entry& e = entries[n];
      Cell& cell = cells_[e.user * items + e.item];
      if (implicit) {
        cell.weight = 1.0 + options.alpha * std::fabs(e.value);
        cell.target = e.value > 0 ? 1.0 : 0.0;
      } else {
        cell = {weights.empty() ? 1.0 : weights[n], e.value};
      }
    }
  }

  const Cell& cell(std::size_t u, std::size_t i) const { return cells_[u * items_ + i]; }

  double score(const Trainer& trainer, std::size_t u, std::size_t i) const {
    double s = mean_;
    if (options_.biases)
      s += static_cast<double>(trainer.users().bias[u]) + trainer.items().bias[i];
    for (int k = 0; k < options_.factors; ++k) {
      s += static_cast<double>(trainer.users().matrix.row(u)[k]) * trainer.items().matrix.row(i)[k];
    }
    return s;
  }

  double value(const Trainer& trainer) const {
    double sum = 0;
    for (std::size_t u = 0; u < users_; ++u) {
      for (std::size_t i = 0; i < items_; ++i) {
        if (cell(u, i).weight == 0) continue;
        const double error = cell(u, i).target - score(trainer, u, i);
        sum += cell(u, i).weight * error * error;
      }
    }
    for (std::size_t u = 0; u < users_; ++u) sum += ridge_term(trainer.users(), u, true);
    for (std::size_t i = 0; i < items_; ++i) sum += ridge_term(trainer.items(), i, false);
    return sum;
  }

  /// The largest component of the objective's gradient by the rows of one side, as a part of the
  /// magnitudes of which it is the sum. A factor that must not be negative and is zero may have a
  /// positive one.
  double largest_gradient(const Trainer& trainer, bool by_user) const {
    const Factors& own = by_user ? trainer.users() : trainer.items();
    const Factors& other = by_user ? trainer.items() : trainer.users();
    const int unknowns = options_.factors + (options_.biases ? 1 : 0);
    double largest = 0;
    std::vector<double> gradient(static_cast<std::size_t>(unknowns));
    std::vector<double> magnitude(static_cast<std::size_t>(unknowns));
    for (std::size_t row = 0; row < (by_user ? users_ : items_); ++row) {
      for (int k = 0; k < unknowns; ++k) {
        gradient[k] = ridge(row, k, by_user) * component(own, row, k);
        magnitude[k] = std::fabs(gradient[k]);
      }
      for (std::size_t o = 0; o < (by_user ? items_ : users_); ++o) {
        const std::size_t u = by_user ? row : o;
        const std::size_t i = by_user ? o : row;
        if (cell(u, i).weight == 0) continue;
        const double error = cell(u, i).target - score(trainer, u, i);
        const double size = std::fabs(cell(u, i).target) + std::fabs(error);
        for (int k = 0; k < unknowns; ++k) {
          // This side's bias is multiplied by 1, whatever the other side's is.
          const double z = k < options_.factors ? component(other, o, k) : 1.0;
          const double term = cell(u, i).weight * z;
          gradient[k] -= term * error;
          magnitude[k] += std::fabs(term) * size;
        }
      }
      double square = 0;
      for (int k = 0; k < unknowns; ++k) {
        const bool at_bound =
            options_.nonnegative && k < options_.factors && component(own, row, k) == 0;
        if (!at_bound || gradient[k] < 0) square += gradient[k] * gradient[k];
      }
      const double sum = std::accumulate(magnitude.begin(), magnitude.end(), 0.0);
      if (sum > 0) largest = std::max(largest, std::sqrt(square) / sum);
    }
    return largest;
  }

 private:
  double component(const Factors& factors, std::size_t row, int k) const {
    return k < options_.factors ? factors.matrix.row(row)[k] : factors.bias[row];
  }

  double ridge(std::size_t row, int k, bool by_user) const {
    double weight = 0;
    for (std::size_t o = 0; o < (by_user ? items_ : users_); ++o) {
      weight += (by_user ? cell(row, o) : cell(o, row)).weight;
    }
    return (k < options_.factors ? options_.regularization : options_.bias_regularization) *
           std::pow(weight, options_.reg_exponent);
  }

  double ridge_term(const Factors& factors, std::size_t row, bool by_user) const {
    const double of_factors = ridge(row, 0, by_user);
    double sum = 0;
    for (int k = 0; k < options_.factors; ++k) {
      sum += of_factors * std::pow(component(factors, row, k), 2);
    }
    if (options_.biases) {
      sum += ridge(row, options_.factors, by_user) *
             std::pow(component(factors, row, options_.factors), 2);
    }
    return sum;
  }

  std::size_t users_;
  std::size_t items_;
  TrainOptions options_;
  double mean_;
  std::vector<Cell> cells_;
};

}  // namespace als
