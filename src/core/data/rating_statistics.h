// What the defaults of a training go by.
#pragma once

#include "core/data/ratings.h"

namespace als {

/// Some numbers about ratings that say on which scale a good regularization and a good alpha lie.
/// Where nothing is known: those of stars, and of clicks.
struct RatingStatistics {
  double spread = 1;       ///< Ratings::spread()
  double mean_weight = 1;  ///< Ratings::mean_weight()

  /// A typical size of a rating, zeros left out, and one towards which the few large ones of a long
  /// tail pull: what the mean and the root mean square are where the logarithms of the sizes are
  /// distributed normally. Other than these, they do not depend on a few ratings beyond all others.
  /// Of confidences, many of which may be next to nothing on purpose: their mean, and the mean that
  /// is weighted by them.
  double mean_size = 1;
  double root_mean_square = 1;

  /// Whether a hundredth of the ratings have sizes of some thirty times the typical one.
  bool has_long_tail() const { return root_mean_square > 2.7 * mean_size; }

  /// How much more often two items of one user are both of another user too than by chance, by
  /// their numbers of users alone. Below 1 where popularity is all that there is to learn; 10 and
  /// more where items belong together. A sample of the data has about the same.
  double lift = 1;

  // Zeros, and users and items that have nothing else, left out.
  double ratings = 0;
  double ratings_per_user = 0;
  double ratings_per_item = 0;
};

/// Depends on the ratings alone. The lift, which takes some ten milliseconds whatever the number of
/// ratings, is looked at for implicit feedback alone. confidences: whether the ratings' sizes are
/// weights that somebody has chosen.
RatingStatistics statistics_of(const Ratings& ratings, bool implicit, ThreadTeam& team,
                               bool confidences = false);

}  // namespace als
