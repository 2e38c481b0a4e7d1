// The table into which als.recommend_all writes.
#pragma once

#include "pg/batch/recommendation_feed.h"
#include "pg/model/model.h"
#include "pg/server/relation_lock.h"
#include "pg/server/target_table.h"

namespace als::pg {

/// A table (user_id, item_id, score, rank): found, or made. All calls need an SPI connection.
class RecommendationTable {
 public:
  explicit RecommendationTable(const std::string& name) : target_table_(name) {}

  /// Waits until no other transaction writes to the table, and keeps others waiting from then on.
  /// Readers go on undisturbed. besides: what is read meanwhile, see lock_together(). Throws 42809
  /// if the relation is not a table.
  void lock(const std::vector<RelationLock>& besides);

  /// The schema that it is in, or will be, and whether that is one of a session.
  Oid schema() const { return target_table_.schema(); }
  bool is_temporary() const;

  /// Makes the table if it is missing. For lists of users it is distributed as those are; whom: who
  /// gets lists. Throws 42809 if the
  /// table is the model's own, or its source; what check_takes() and check_sees_all_rows() throw.
  void prepare(Side whom, const Model& model, const IdType& user_type, const IdType& item_type);

  /// Removes what the table held before.
  void clear();

  /// Returns the number of rows written, which a trigger may have lowered.
  std::int64_t append(const RecommendationFeed& rows);

  /// The same with the rows of a query: user_id, item_id, score, rank.
  std::int64_t append(const std::string& query, const std::vector<Param>& params);

  /// To be called when all rows are there, which are lists of `whom`. Until then nothing that the
  /// reading of sources runs can drop the table or give it other columns: 55006.
  void finish(Side whom);

 private:
  void check_is_table() const;
  void hold();
  void create(Side whom, const Model& model, const IdType& user_type, const IdType& item_type);
  void check_is_foreign_to(const Model& model) const;

  TargetTable target_table_;
  Oid table_ = InvalidOid;
  bool created_ = false;
  Relation held_ = nullptr;  // after prepare()
};

}  // namespace als::pg
