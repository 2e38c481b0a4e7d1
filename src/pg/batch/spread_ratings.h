// The live ratings of a model whose users are on nodes, for statements that read them there.
#pragma once

#include "pg/history/live_ratings.h"

namespace als::pg {

/// Pieces of SQL. All that is given must outlive it.
class SpreadRatings {
 public:
  SpreadRatings(ServedModel& served, const DescribedSource& source)
      : served_(served), source_(source) {}

  /// Whether the users and the source, a table, are distributed by user and lie together, the items
  /// are on all nodes, all ids are of the model's types, and rows have no weights. Within an SPI
  /// connection.
  bool lie_beside_users() const;

  const Model& model() const { return served_.model(); }
  const IdType& id_type(Side side) const { return served_.id_type(side); }
  const DescribedSource& source() const { return source_; }

  /// The factor table of a side.
  std::string table(Side side) const;

  /// Whether it tells which ratings its rows were made of.
  bool has_checksums(Side side) const;

  /// The rows of the source that count, as an item of a FROM clause: rated_by, rated_item, rated.
  /// Within a SourceNames.
  std::string rows() const;

  /// A condition on two columns of ids.
  std::string same(Side side, const char* one, const char* other) const;

 private:
  ServedModel& served_;
  const DescribedSource& source_;
};

}  // namespace als::pg
