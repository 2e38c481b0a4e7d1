// Where a table that is written by name is, or will be.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// A relation's name, qualified or not, resolved as CREATE TABLE would unless there is one already.
class TargetTable {
 public:
  explicit TargetTable(const std::string& name);

  /// Throws 42501 where there is no such relation, and the caller may not make one: before others
  /// wait for the caller.
  void check_may_make() const;

  /// Returns the relation, for the caller to lock. Where there is none, waits for other
  /// transactions that are about to make it, keeps others waiting until this one ends, and returns
  /// InvalidOid. Throws what check_may_make() throws.
  Oid find_or_claim() const;

  /// Waits for other transactions that have claimed the name, and claims it until this one ends.
  void claim() const;

  /// The relation as it is now, or InvalidOid.
  Oid find() const;

  /// The relation that has just been made. Throws 42P01 if it is gone.
  Oid find_made() const;

  /// Whoever makes the whole relation anew over several transactions has a turn, in which no other
  /// does: take_turn() waits for it and keeps it until end_turn() or the abort of a transaction.
  /// Whoever does so in one transaction locks the relation, or claims its name, and then calls
  /// try_turn(). It does not wait, returns whether nobody has a turn, and keeps others from taking
  /// one until the transaction ends.
  void take_turn() const;
  bool try_turn() const;
  void end_turn() const;

  Oid schema() const { return schema_; }
  const std::string& relation() const { return relation_; }  ///< unqualified
  std::string qualified_name() const;  ///< Throws 3F000 if the schema is gone.

 private:
  Oid schema_ = InvalidOid;
  std::string relation_;
};

}  // namespace als::pg
