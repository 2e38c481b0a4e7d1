// How far predicted ratings are from the real ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Sums over ratings r and their predictions p.
class PredictionError {
 public:
  PredictionError() = default;
  PredictionError(std::size_t n, double squares, double absolutes)
      : n_(n), squares_(squares), absolutes_(absolutes) {}

  void add(double rating, double prediction) {
    const double error = rating - prediction;
    ++n_;
    squares_ += error * error;
    absolutes_ += error < 0 ? -error : error;
  }
  void add(const PredictionError& other);

  std::size_t n() const { return n_; }
  double squares() const { return squares_; }      ///< sum of (r - p)^2
  double absolutes() const { return absolutes_; }  ///< sum of |r - p|
  double rmse() const;                             ///< sqrt(mean of (r - p)^2)
  double mae() const;                              ///< mean of |r - p|

 private:
  std::size_t n_ = 0;
  double squares_ = 0;
  double absolutes_ = 0;
};

/// Sums over ratings: of the errors of a model, of those of each item's mean rating, and of what
/// tells how the ratings vary.
struct PredictionSums {
  void add(const PredictionSums& other);

  /// The part of the ratings' variance that these predictions explain: 1 - sum of (r - p)^2 / sum
  /// of (r - mean of r)^2. Means nothing where all ratings are equal.
  double r2(const PredictionError& error) const { return 1 - error.squares() / spread(); }
  bool has_r2() const { return lowest < highest; }

  PredictionError model;
  PredictionError means;
  double deviations = 0;  ///< sum of r - origin, some number near the ratings
  double deviation_squares = 0;
  double lowest = std::numeric_limits<double>::infinity();  ///< rating
  double highest = -std::numeric_limits<double>::infinity();

 private:
  double spread() const;
};

/// Evaluates the predictions of a model, and beside them those of each item's mean rating. The bits
/// depend on the users and their order, not on the number of threads, nor on how many are added at
/// a time.
class PredictionEvaluator {
 public:
  /// A user, and the ratings to be predicted.
  struct User {
    const float* vector;
    float base;  ///< s_ui = (base + b_i) + vector . y_i
    RowRatings ratings;
  };

  /// `item_means`: of each item. origin: some number near the ratings. Items, means and team must
  /// outlive this.
  PredictionEvaluator(const BiasedView& items, const std::vector<double>& item_means, double origin,
                      ThreadTeam& team);

  /// From here on the model's predictions are clipped to this range.
  void clip(float lowest, float highest);

  /// Is told what came of user n; called from any thread.
  using OnUser = std::function<void(std::size_t n, const PredictionSums& sums)>;

  /// Evaluates n more users; user_of is called from any thread.
  void add(std::size_t n, const std::function<User(std::size_t)>& user_of,
           const OnUser& on_user = {});

  /// What came of all users.
  const PredictionSums& sums() const { return sums_; }

 private:
  const BiasedView items_;
  const std::vector<double>& item_means_;
  const double origin_;
  float lowest_ = -std::numeric_limits<float>::infinity();
  float highest_ = std::numeric_limits<float>::infinity();
  ThreadTeam& team_;
  PredictionSums sums_;
};

}  // namespace als
