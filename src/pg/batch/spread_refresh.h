// als.refresh_users where Citus has distributed the users: each node computes the rows of its own.
#pragma once

#include "pg/batch/spread_ratings.h"
#include "pg/model/model_writer.h"

namespace als::pg {

/// A refresh as statements that Citus runs on its nodes: ratings are compared with the rows that
/// were made of them where both are, and als._refreshed_user is called there for each user who has
/// others now. Neither ratings nor vectors come to this node.
class SpreadRefresh {
 public:
  /// Within an SPI connection. All that is given must outlive it.
  SpreadRefresh(const SpreadRatings& ratings, ModelWriter& store, Progress& progress);

  /// Whether the ratings lie beside the users, and the caller may make tables somewhere.
  bool is_possible() const { return schema_.has_value(); }

  /// Computes what rows these users have now, an array of ids, or those who have changed.
  void compute(const std::optional<Param>& ids);

  /// How many rows write() removes: of users of whose items the model knows none now.
  std::int64_t removed() const;

  /// Returns the number of rows written.
  std::int64_t write();

 private:
  std::string users() const { return ratings_.table(Side::kUsers); }
  std::string same(const char* one, const char* other) const {
    return ratings_.same(Side::kUsers, one, other);
  }
  std::string counted_ratings() const;
  std::string gone() const;
  void find_changed();
  void keep_changed();

  const SpreadRatings& ratings_;
  ModelWriter& store_;
  Progress& progress_;
  std::optional<std::string> schema_;  // for tables, if it is possible
  std::string wanted_;                 // the tables: of ids,
  std::string refreshed_;              // and of rows
};

}  // namespace als::pg
