// als.recommend_all where Citus has distributed the users: each node makes the lists of its own.
#pragma once

#include "pg/batch/recommend_all_request.h"
#include "pg/batch/recommendation_table.h"
#include "pg/cache/served_model.h"
#include "pg/history/listed_ids.h"
#include "pg/server/progress.h"

namespace als::pg {

/// The lists as statements that Citus runs on its nodes: what users have seen goes to where they
/// are, packed by user, and als.recommend_vector is called there for each of them. Nothing but what
/// other nodes need comes to this one.
class SpreadRecommendations {
 public:
  /// Within an SPI connection, under the snapshot of the call.
  SpreadRecommendations(const RecommendAllRequest& request, ServedModel& served);

  /// Whether the users are distributed, the items on all nodes, all ids of the model's types, the
  /// target is no temporary table, and the caller may make tables somewhere.
  bool are_possible(const RecommendationTable& target);

  /// Puts the lists in the place of what the target held. Returns the number of rows written.
  std::int64_t write(RecommendationTable& target, Progress& progress);

 private:
  /// What users have in a source, on its way to them.
  struct Seen {
    RatingSource source;
    std::string table;  ///< made for it: user_id, items
  };

  void add_seen(const RatingSource& source);
  void read_items();
  void check(const std::string& query, const RatingSource& names,
             std::initializer_list<Side> columns);
  void pack(const Seen& seen) const;
  std::string lists(std::vector<Param>& params) const;

  const RecommendAllRequest& request_;
  ServedModel& served_;
  bool possible_;
  std::optional<std::string> schema_;  ///< for tables
  std::string users_;                  ///< the table
  std::optional<ListedIds> some_;
  std::optional<Param> candidates_;
  std::optional<Param> excluded_;
  std::vector<Seen> seen_;
};

}  // namespace als::pg
