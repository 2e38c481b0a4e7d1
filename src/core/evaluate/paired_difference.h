// Whether one model is better than another on the same users, beyond what chance does.
#pragma once

#include <cstddef>
#include <vector>

namespace als {

/// The values of a metric for two models, and their difference with its interval of confidence.
struct PairedDifference {
  double a = 0;
  double b = 0;
  double difference = 0;  ///< b - a
  double low = 0;         ///< of the interval, which means nothing for fewer than two users
  double high = 0;
  std::size_t users = 0;
};

/// A sum over the ratings of a user, and their number.
struct UserErrors {
  double sum;
  double n;
};

/// Of means over users, by normal theory. Each user has a value of either model. `confidence` is
/// between 0 and 1.
PairedDifference difference_of_means(const std::vector<double>& a, const std::vector<double>& b,
                                     double confidence);

/// Of means over ratings or, with `root`, of their square roots. A user's ratings belong together:
/// the users are drawn, not the ratings. By normal theory, linearised (the delta method).
PairedDifference difference_of_errors(const std::vector<UserErrors>& a,
                                      const std::vector<UserErrors>& b, bool root,
                                      double confidence);

}  // namespace als
