// How well liked each item is, by what all users say of it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/compressed_rows.h"

namespace als {

/// What the ratings of an item come to.
struct RatingTotals {
  std::uint64_t n = 0;
  std::uint64_t positive = 0;  ///< of them above zero
  double weight = 0;           ///< the sum of their weights: n without
  double sum = 0;              ///< by their weights
  double squares = 0;          ///< by their weights

  void add(double rating, double rating_weight = 1) {
    ++n;
    positive += rating > 0 ? 1 : 0;
    weight += rating_weight;
    sum += rating_weight * rating;
    squares += rating_weight * rating * rating;
  }
};

/// Of each row of a matrix whose rows are items.
std::vector<RatingTotals> totals_of(const CompressedRows& by_item);

/// How many ratings of the mean, of weight 1, each item should be given, so that a mean of few is
/// not taken at its word: the variance of ratings within items over that of the items' true means,
/// both estimated from the ratings (analysis of variance). Where the items do not differ: as many
/// as there are ratings.
double damping(const std::vector<RatingTotals>& items);

/// The mean rating of an item, damped so.
float damped_mean(const RatingTotals& item, double mean, double damping);

}  // namespace als
