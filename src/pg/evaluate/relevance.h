// What counts as relevant, and by what users are put into groups.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "pg/cache/served_model.h"

namespace als::pg {

/// Whether a rating of the test makes its item relevant. least: what the caller has asked for.
inline bool is_relevant(const Model& model, std::optional<double> least, float rating) {
  if (least) return rating >= *least;
  return model.feedback == Feedback::kImplicit ? rating > 0 : rating >= model.mean;
}

/// By what the most popular items are the most popular. Of explicit ratings it is their number: by
/// their means, damped or not, rankings would be easier to beat.
inline std::vector<float> popularity_of(const Model& model, const LoadedFactors& items) {
  return model.feedback == Feedback::kImplicit
             ? std::vector<float>(items.popularity(), items.popularity() + items.size())
             : std::vector<float>(items.n_ratings(), items.n_ratings() + items.size());
}

/// The group of a user with so many ratings; one beyond all for fewer than the first asks for.
/// least: of each group, ascending.
inline std::size_t group_of(std::size_t ratings, const std::vector<std::size_t>& least) {
  const auto after = std::upper_bound(least.begin(), least.end(), ratings);
  return after == least.begin() ? least.size()
                                : static_cast<std::size_t>(after - least.begin()) - 1;
}

}  // namespace als::pg
