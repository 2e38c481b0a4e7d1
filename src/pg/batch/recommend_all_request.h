// What als.recommend_all and als.recommend_users_all are asked for.
#pragma once

#include "core/search/diversity.h"
#include "core/search/exploration.h"
#include "pg/ids/side.h"
#include "pg/server/pg.h"

namespace als::pg {

struct RecommendAllRequest {
  Side whom;  ///< users get items, or items users
  Oid model;
  std::string target;
  int k;
  bool exclude_seen;
  std::optional<std::string> seen;
  std::optional<std::string> some;  ///< of `whom`
  std::optional<std::string> candidates;
  std::optional<std::string> exclude;
  int threads;
  Diversity diversity;  ///< of the lists
  Exploration exploration;
  int new_below = 0;  ///< new items are those with fewer ratings

  const char* some_name() const { return whom == Side::kUsers ? "users" : "items"; }
};

}  // namespace als::pg
