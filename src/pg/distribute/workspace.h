// The tables of a training in parts.
#pragma once

#include <functional>

#include "pg/ids/id_type.h"
#include "pg/ids/side.h"
#include "pg/sql/spi.h"

namespace als::pg {

/// What a table has, as a definition has it; large: the columns of values that are large, and would
/// hardly get smaller.
struct WorkColumns {
  std::string definition;
  std::vector<std::string> large = {};
};

/// Unlogged tables beside the model, of names that nothing else has, made and dropped by the
/// transaction of the training; nobody else ever sees them.
///
///   items   idx, item_id, key: the items by number
///   rows    part, place, user_id, items, n, kept, ratings: on their way to chunks, which take
///           users by place; see RatingCollector
///   numbers numbers: those of the items that are in rows
///   chunks  part, number, ids, chunk: users and their ratings
///   users   part, number, users: what the last half-step made of a chunk's users, and reports
///   slices  place, slice, state: the items' side; a place lies where the part of its number does
///   totals  place, slice, totals: what an item's ratings come to
///   block   part, slice, piece: items' vectors for a step, from machine to machine
///   sums    place, slice, part, piece: on their way from parts to slices
///   found   of any columns: on their way from other servers
///
/// Of users and slices there are two tables, one of which is empty: a step fills that, and empties
/// the other at its end. So rows that are replaced take no room, as they would within a
/// transaction.
class Workspace {
 public:
  /// run() runs a statement that makes, empties or drops tables.
  using Run = std::function<void(const std::string&)>;

  /// distributed: over machines, by Citus.
  Workspace(Oid schema, const BySide<const IdType*>& id_types, int parts, bool distributed,
            Run run);

  /// Temporary tables in other sessions, where run() runs its statements.
  Workspace(const BySide<const IdType*>& id_types, Run run);

  void create();
  /// Those by slice: slices(), totals(), sums(), block().
  void create_slices();
  /// Where so many slices lie: as many with each part.
  std::vector<int> slice_places(std::size_t slices) const;

  /// For a training that begins with the factors of a model:
  ///
  ///   places  user_id, part, number, n: where a user is among those of a chunk
  ///   known   part, number, n, factors, bias: of users, on their way to them
  ///
  /// Places lie with the model's users, if those are distributed.
  void create_known(Oid user_factors);
  std::string places() const { return table("places"); }
  std::string known() const { return table("known"); }

  /// On Citus, for the end:
  ///
  ///   finished  slice, items: what the model gets of the items, on every machine
  void create_finished();
  std::string finished() const { return table("finished"); }

  void drop();

  /// Makes found() anew.
  void create_found(const WorkColumns& columns);

  /// The type of a side's ids, as a definition has it.
  std::string id_type(Side side) const;
  std::string id_array_type(Side side) const;

  bool distributed() const { return distributed_; }

  /// A number that no other training has.
  std::int64_t training() const { return training_; }

  /// The numbers of the parts, ascending: where parts are distributed, each has a shard, in the
  /// order of the shards.
  const std::vector<int>& parts() const { return parts_; }

  /// From each part to one part on each machine but its own.
  struct Ways {
    std::vector<int> from;
    std::vector<int> to;
  };
  const Ways& ways() const { return ways_; }

  /// The qualified name of a table.
  std::string items() const { return table("items"); }
  std::string rows() const { return table("rows"); }
  std::string numbers() const { return table("numbers"); }

  /// The columns of rows(), as a definition has them.
  std::string row_columns() const;
  std::string chunks() const { return table("chunks"); }
  std::string totals() const { return table("totals"); }
  std::string block() const { return table("block"); }
  std::string sums() const { return table("sums"); }
  std::string found() const { return table("found"); }
  std::string users() const { return table(users_ == 0 ? "users" : "users_too"); }
  std::string slices() const { return table(slices_ == 0 ? "slices" : "slices_too"); }

  /// An item of a FROM clause: the chunks c, each with its users u.
  std::string chunks_with_users() const;

  /// A scalar: the keys of the items, in their order.
  std::string item_keys() const;

  /// The other, empty one.
  std::string next_users() const { return table(users_ == 0 ? "users_too" : "users"); }
  std::string next_slices() const { return table(slices_ == 0 ? "slices_too" : "slices"); }

  /// The other one has been filled: that is called users(), or slices(), and this one is done with.
  void users_are_next();
  void slices_are_next();

  /// Nothing in a table is needed any more: the next call of empty() empties it, with all others
  /// of which that is so, by one statement.
  void done_with(const std::string& table) { done_with_.push_back(table); }
  void empty();

 private:
  std::string table(const char* label) const;
  void create(const char* label, const WorkColumns& columns);
  void tell_sessions();
  void find_parts();
  void copy_to_machines(std::initializer_list<const char*> labels);
  void distribute(std::initializer_list<const char*> labels, const char* column,
                  const std::string& with);

  std::function<void(const std::string&)> run_;
  std::string schema_;
  std::string prefix_;
  bool temporary_;
  bool distributed_;
  std::int64_t training_ = 0;
  std::vector<int> parts_;
  Ways ways_;
  std::vector<std::string> made_;  // tables
  std::vector<std::string> done_with_;
  const BySide<const IdType*>& id_types_;
  int users_ = 0;
  int slices_ = 0;
};

}  // namespace als::pg
