// Writing models: the three tables and their rows.
#pragma once

#include "pg/model/factor_feed.h"
#include "pg/model/model.h"
#include "pg/server/relation_lock.h"
#include "pg/server/target_table.h"
#include "pg/sql/spi.h"

namespace als::pg {

/// The place of a model: found, or made, within the transaction of its training.
class ModelWriter {
 public:
  /// Resolves the model's name, qualified or not, to where it is or will be.
  explicit ModelWriter(const std::string& name) : target_table_(name) {}

  /// That of a model that was there a moment ago. Throws 42P01 if it is not any more.
  explicit ModelWriter(Oid model);

  /// Waits until no other transaction writes the same model, and keeps others waiting from then on.
  /// Needs an SPI connection; the active snapshot may be older than what is found afterwards.
  /// besides: what is to be locked with the model, see lock_together(). (Not on the other nodes of
  /// a cluster.) Throws 42P07 if the model exists and `replace` is false, 42809 if a relation of
  /// that name is no model, 40001 if its tables become others time and again, or the transaction
  /// has a snapshot of before the last write.
  void lock(bool replace, const std::vector<RelationLock>& besides = {});

  /// The same for a model that exists. Throws what check_has_name() throws.
  void lock_model(Oid model, const std::vector<RelationLock>& besides = {});

  /// What lock() does in a later transaction. Throws 55000 unless the model is still the one that
  /// lock() found, or is still missing, and its newest run the same.
  void lock_unchanged(bool replace, const std::vector<RelationLock>& besides = {});

  /// Throws 42P01 if the model no longer has the name.
  void check_has_name(Oid model) const;

  /// Throws 42501, or what lock() throws, where the caller may neither write the model nor make it.
  /// To be called before a turn is taken, for which others wait, or fail.
  void check_may_begin(bool replace) const;

  /// To be called by whoever adds or removes a run. Throws 55006 while als.train_in_steps is at
  /// work on the model: waiting for hours would hold the very snapshot that it does without.
  void claim_turn() const;

  const TargetTable& target_table() const { return target_table_; }
  std::string qualified_name() const { return target_table_.qualified_name(); }

  /// Throws 42501 if row-level security may hide rows of the tables from the caller.
  void check_sees_all() const;

  /// Makes the tables that are missing, for ids of these types. Throws what check_sees_all()
  /// throws, 42804 if those there have ids of other types, 55000 if they are logged and should not
  /// be, or if they are attached.
  /// Ids of another type are accepted where the source's have only been widened, or `replace_ids`
  /// says so; write_factors() then changes the column. Throws 42501 or 0A000 where it cannot.
  /// by_user_of: a table that Citus has distributed by its users, if a model that is made now is to
  /// be spread over the nodes of the cluster as that is.
  void prepare_tables(const BySide<const IdType*>& id_types, bool unlogged, bool replace_ids,
                      Oid by_user_of = InvalidOid);

  /// Whether the model's tables are spread over the nodes of a cluster.
  bool is_spread() const;

  /// Makes the model's table, for factors that are in these tables already. See ownership.h.
  void attach_tables(const BySide<Oid>& tables);

  /// Gives the factor tables the wider types that the source's ids have come to have.
  /// Returns whether there was anything to change. Throws 42804 where they are attached.
  bool widen_ids(const BySide<const IdType*>& id_types);

  Oid table() const { return table_; }
  std::int64_t newest_run() const { return newest_run_; }  ///< as locked; 0 if there is none
  const BySide<Oid>& factor_tables() const { return factor_tables_; }
  Oid factor_table(Side side) const { return factor_tables_[side]; }

  /// Puts these rows in the place of those in the factor table.
  void write_factors(Side side, const FactorFeed& rows);

  /// The same with the rows of a query: their columns are id, of this type, factors, bias,
  /// n_ratings, checksum and, of items, popularity.
  void write_rows(Side side, const IdType& type, const std::string& query,
                  const std::vector<Param>& params = {});

  /// Puts the rows of a copy in their place, and ids of its type.
  void replace_with(Side side, Oid copy);

  /// Puts these rows into the factor table, in the place of those with the same ids.
  std::uint64_t update_factors(Side side, const FactorFeed& rows);

  /// Takes the rows with these ids out of the factor table.
  std::uint64_t delete_factors(Side side, const IdType& type, const Param& ids);

  /// How many rows of the factor table have these ids.
  std::int64_t count_factors(Side side, const IdType& type, const Param& ids) const;

  /// Makes a table for ids of this type that belongs to the model's owner.
  Oid create_factor_table(Side side, const char* label, const CollatedType& type, bool unlogged);

  /// Gives the newest run a new version after a change of a side's rows, for which so many ratings
  /// were merged into others.
  void renew_version(Side side, std::size_t duplicates);

 private:
  enum class IfThere { kError, kUpdate };
  void empty_factor_table(Side side, const CollatedType& type);
  std::uint64_t insert_factors(Side side, const FactorFeed& rows, IfThere if_there);
  std::string rows_of_ids(Side side, const IdType& type) const;
  Oid find_factor_table(Side side, Oid named) const;
  Oid find_unclaimed_table(Side side) const;
  void find_factor_tables();
  bool try_lock(bool replace);
  void check_may_be_written(Oid table, bool replace) const;
  void check_sees_last_write() const;
  std::vector<RelationLock> locks_of_tables() const;
  bool lock_tables();
  void mend_table(Oid factors);
  void create_model_table();
  void create_model_table_on_all_nodes();
  void spread_factor_table(Side side, Oid factors, Oid by_user_of) const;
  static void check_is_found_from_all_nodes(Oid users);
  void watch_factor_table(Oid factors, const char* trigger);
  CollatedType id_type(Side side) const;
  bool has_ids_of(Side side, const CollatedType& type) const;
  void check_id_column_can_change(Side side) const;
  void add_later_columns(Side side);
  void change_id_type(Side side, const CollatedType& type, const char* conversion);
  void check_is_not_attached(Oid factors) const;
  void check_factor_table(Side side, const IdType& type, bool unlogged, bool replace_ids) const;

  TargetTable target_table_;
  Oid table_ = InvalidOid;  ///< InvalidOid while there is no such model
  std::int64_t newest_run_ = 0;
  BySide<Oid> factor_tables_;  ///< InvalidOid while there is none
};

}  // namespace als::pg
