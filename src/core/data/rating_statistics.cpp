// Sizes of ratings by their logarithms, and the lift of pairs of items by sampling.
#include "core/data/rating_statistics.h"

#include <algorithm>
#include <cmath>

#include "core/base/splitmix.h"

namespace als {
namespace {

// Of the logarithms of sizes. A longer tail than that is no count of anything.
constexpr double kMaxVariance = 4;

/// Returns how many are not zero.
std::size_t measure_sizes(const UninitializedVector<float>& values, bool confidences,
                          ThreadTeam& team, RatingStatistics& statistics) {
  struct Sums {
    double count = 0;
    double sizes = 0;  // or their logarithms
    double squares = 0;
  };
  std::vector<Sums> sums(values.size() / kEntriesInBlock + 1);
  team.for_each_block(values.size(), kEntriesInBlock, [&](std::size_t begin, std::size_t end, int) {
    Sums& sum = sums[begin / kEntriesInBlock];
    for (std::size_t e = begin; e < end; ++e) {
      if (values[e] == 0) continue;
      const double size = std::fabs(static_cast<double>(values[e]));
      const double term = confidences ? size : std::log(size);
      ++sum.count;
      sum.sizes += term;
      sum.squares += term * term;
    }
  });
  Sums total;
  for (const Sums& sum : sums) {
    total.count += sum.count;
    total.sizes += sum.sizes;
    total.squares += sum.squares;
  }
  const auto nonzero = static_cast<std::size_t>(total.count);
  if (nonzero == 0) return 0;
  const double mean = total.sizes / total.count;
  if (confidences) {
    statistics.mean_size = mean;
    statistics.root_mean_square = total.squares / total.sizes;
    return nonzero;
  }
  const double variance = std::clamp(total.squares / total.count - mean * mean, 0.0, kMaxVariance);
  statistics.mean_size = std::exp(mean + variance / 2);
  statistics.root_mean_square = std::exp(mean + variance);
  return nonzero;
}

/// The entries that are not zero, without their values. For implicit feedback a zero is as good as
/// no rating.
CompressedRows without_zeros(const CompressedRows& rows) {
  CompressedRows left;
  left.offsets.push_back(0);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const RowRatings ratings = ratings_of(rows, row);
    for (std::size_t e = 0; e < ratings.count; ++e) {
      if (ratings.values[e] != 0) left.columns.push_back(ratings.columns[e]);
    }
    left.offsets.push_back(left.columns.size());
  }
  return left;
}

std::size_t filled_rows(const CompressedRows& rows) {
  std::size_t filled = 0;
  for (std::size_t row = 0; row < rows.rows(); ++row) filled += rows.row_size(row) > 0 ? 1 : 0;
  return filled;
}

/// Pairs of ratings of a user are sampled, and for each some of the other users of the rarer item.
class Lift {
 public:
  Lift(const CompressedRows& by_user, const CompressedRows& by_item)
      : by_user_(by_user), by_item_(by_item), size_(by_user.columns.size()) {
    for (std::size_t user = 0; user < by_user_.rows(); ++user) {
      const auto ratings_of_user = static_cast<double>(by_user_.row_size(user));
      pairs_ += ratings_of_user * (ratings_of_user - 1);
    }
  }

  double estimate(ThreadTeam& team) const {
    if (pairs_ == 0) return 1;
    std::vector<Pair> blocks(kPairs / kBlock);
    team.for_each_block(kPairs, kBlock, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t n = begin; n < end; ++n) add_pair(n, blocks[begin / kBlock]);
    });
    Pair sum;
    for (const Pair& block : blocks) {
      sum.found += block.found;
      sum.expected += block.expected;
    }
    return sum.expected > 0 ? sum.found / sum.expected : 1;
  }

 private:
  static constexpr std::size_t kPairs = 8192;
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kOthers = 8;

  /// Of the other users of one of two items, how many have both.
  struct Pair {
    double found = 0;
    double expected = 0;
  };

  void add_pair(std::size_t n, Pair& sum) const {
    std::uint64_t counter = splitmix(n);
    const auto below = [&](std::uint64_t limit) {
      counter += kSplitmixStep;
      return std::min(
          static_cast<std::uint64_t>(unit_of(splitmix(counter)) * static_cast<double>(limit)),
          limit - 1);
    };
    const std::uint64_t one = below(size_);
    const auto& offsets = by_user_.offsets;
    const auto user = static_cast<std::size_t>(
        std::upper_bound(offsets.begin(), offsets.end(), one) - offsets.begin() - 1);
    const std::size_t of_user = by_user_.row_size(user);
    if (of_user < 2) return;
    std::uint64_t two = offsets[user] + below(of_user - 1);
    if (two >= one) ++two;
    std::uint32_t rarer = by_user_.columns[one];
    std::uint32_t other = by_user_.columns[two];
    if (by_item_.row_size(rarer) > by_item_.row_size(other)) std::swap(rarer, other);
    const std::size_t users = by_item_.row_size(rarer) - 1;
    sum.expected += static_cast<double>(users) * static_cast<double>(by_item_.row_size(other) - 1) *
                    pairs_ / (static_cast<double>(size_) * static_cast<double>(size_));
    if (users == 0) return;
    const std::uint32_t* of_rarer = by_item_.columns.data() + by_item_.offsets[rarer];
    const std::size_t looked_at = std::min(users, kOthers);
    std::size_t found = 0;
    for (std::size_t k = 0; k < looked_at; ++k) {
      // Its users without this one.
      std::size_t place = users <= kOthers ? k : below(users);
      if (of_rarer[place] >= user) ++place;
      const std::uint32_t* items = by_user_.columns.data() + offsets[of_rarer[place]];
      const std::size_t count = by_user_.row_size(of_rarer[place]);
      found += std::binary_search(items, items + count, other) ? 1 : 0;
    }
    sum.found +=
        static_cast<double>(found) * static_cast<double>(users) / static_cast<double>(looked_at);
  }

  const CompressedRows& by_user_;
  const CompressedRows& by_item_;
  std::size_t size_;
  double pairs_ = 0;  // of ratings of one user
};

}  // namespace

RatingStatistics statistics_of(const Ratings& ratings, bool implicit, ThreadTeam& team,
                               bool confidences) {
  RatingStatistics statistics;
  statistics.spread = ratings.spread();
  statistics.mean_weight = ratings.mean_weight();
  if (!implicit) return statistics;
  const std::size_t nonzero =
      measure_sizes(ratings.by_user().values, confidences, team, statistics);
  if (nonzero == 0) return statistics;
  const auto measure = [&](const CompressedRows& by_user, const CompressedRows& by_item) {
    statistics.ratings = static_cast<double>(nonzero);
    statistics.ratings_per_user = statistics.ratings / static_cast<double>(filled_rows(by_user));
    statistics.ratings_per_item = statistics.ratings / static_cast<double>(filled_rows(by_item));
    statistics.lift = Lift(by_user, by_item).estimate(team);
  };
  if (nonzero == ratings.size()) {
    measure(ratings.by_user(), ratings.by_item());
  } else {
    measure(without_zeros(ratings.by_user()), without_zeros(ratings.by_item()));
  }
  return statistics;
}

}  // namespace als
