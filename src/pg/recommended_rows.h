// Recommendations on their way into a table, see written_rows.h: als.recommended_user(n),
// als.recommended_item(n), ... hand out row n.
#pragma once

#include "core/recommend_all.h"
#include "pg/factor_side.h"

namespace als::pg {

struct RecommendedRows {
  static constexpr const char* kWriter = "als.recommend_all";
  static constexpr const char* kHint = "als.recommend recommends to a single user.";

  const FactorSide* users;
  const FactorSide* items;
  std::vector<Recommendation> rows;

  std::size_t size() const { return rows.size(); }
};

}  // namespace als::pg
