// All that decides what a call sees of a model.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// The table, the role, the snapshot to the last transaction in it, and the state of the catalogs.
class SnapshotKey {
 public:
  SnapshotKey() = default;

  /// Of a call for this table now.
  explicit SnapshotKey(Oid table);

  Oid table() const { return table_; }

  /// Takes the catalogs as they are now for those that have been seen.
  void catalogs_seen();

  /// Whether names, privileges and the like are still what they were.
  bool has_current_catalogs() const;

  /// Whether a call for the table would now see what the call of this key saw.
  bool is_current() const;

 private:
  Oid table_ = InvalidOid;
  Oid user_ = InvalidOid;
  LocalTransactionId transaction_ = InvalidLocalTransactionId;
  TransactionId xmin_ = InvalidTransactionId;
  TransactionId xmax_ = InvalidTransactionId;
  CommandId command_ = 0;
  std::vector<TransactionId> running_;
  std::vector<TransactionId> running_subtransactions_;
  std::uint64_t invalidations_ = 0;
};

}  // namespace als::pg
