// Means, their difference, and its standard error from the users' shares in it.
#include "core/evaluate/paired_difference.h"

#include <cmath>

namespace als {
namespace {

/// How many standard deviations on either side hold this part of a normal distribution.
double normal_quantile(double confidence) {
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < confidence ? low : high) = middle;
  }
  return high;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// The interval of a difference that is, but for a constant, the mean of these.
void set_interval(const std::vector<double>& shares, double confidence, PairedDifference& result) {
  const double n = static_cast<double>(shares.size());
  const double centre = mean(shares);
  double squares = 0;
  for (const double share : shares) squares += (share - centre) * (share - centre);
  const double margin = normal_quantile(confidence) * std::sqrt(squares / (n * (n - 1)));
  result.difference = result.b - result.a;
  result.low = result.difference - margin;
  result.high = result.difference + margin;
  result.users = shares.size();
}

/// A mean over ratings, and how it depends on each user.
struct MeanError {
  double value = 0;
  std::vector<double> shares;

  MeanError(const std::vector<UserErrors>& users, bool root) {
    double sum = 0;
    double n = 0;
    for (const UserErrors& user : users) {
      sum += user.sum;
      n += user.n;
    }
    const double mean = sum / n;
    value = root ? std::sqrt(mean) : mean;
    const double slope = root && value > 0 ? 1 / (2 * value) : 1;
    const double ratings = n / static_cast<double>(users.size());
    for (const UserErrors& user : users)
      shares.push_back(slope * (user.sum - mean * user.n) / ratings);
  }
};

}  // namespace

PairedDifference difference_of_means(const std::vector<double>& a, const std::vector<double>& b,
                                     double confidence) {
  PairedDifference result;
  result.a = mean(a);
  result.b = mean(b);
  std::vector<double> shares(a.size());
  for (std::size_t u = 0; u < a.size(); ++u) shares[u] = b[u] - a[u];
  set_interval(shares, confidence, result);
  return result;
}

PairedDifference difference_of_errors(const std::vector<UserErrors>& a,
                                      const std::vector<UserErrors>& b, bool root,
                                      double confidence) {
  const MeanError of_a(a, root);
  const MeanError of_b(b, root);
  PairedDifference result;
  result.a = of_a.value;
  result.b = of_b.value;
  std::vector<double> shares(a.size());
  for (std::size_t u = 0; u < a.size(); ++u) shares[u] = of_b.shares[u] - of_a.shares[u];
  set_interval(shares, confidence, result);
  return result;
}

}  // namespace als
