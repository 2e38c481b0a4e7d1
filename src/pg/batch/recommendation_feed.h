// Recommendations on their way into a table, see row_feed.h: als._recommended_user(n),
// als._recommended_item(n), ... hand out row n.
#pragma once

#include "core/search/batch_recommender.h"
#include "pg/cache/loaded_factors.h"

namespace als::pg {

struct RecommendationFeed {
  static constexpr const char* kWriter = "als.recommend_all";
  static constexpr const char* kHint = "als.recommend recommends to a single user.";

  const LoadedFactors* users;
  const LoadedFactors* items;
  std::vector<Recommendation> rows;

  std::size_t size() const { return rows.size(); }
};

}  // namespace als::pg
