// The run before the newest, kept so that als.rollback_model can serve it again.
//
// Its factors are copied into two tables of their own, which its row in the model table then names.
// The tables that serve stay the same ones, for the sake of grants, views and indexes on them. A
// copy is recorded to be the model's as they are, but has a trigger of another name, which does
// nothing: it does not serve.
#pragma once

#include "pg/model/model_writer.h"

namespace als::pg {

/// Of a model that is locked, and gets a run or loses its newest.
class PreviousRun {
 public:
  explicit PreviousRun(ModelWriter& model) : model_(model) {}

  /// Removes the copies that a run is kept in, if one is. A caller who does not own them leaves it
  /// kept, with a notice.
  void forget();

  /// Throws 42501 unless the caller owns the model, as its copies are the owner's; 0A000 in a
  /// cluster.
  void check_may_keep() const;

  /// Copies the factors of the newest run, if there is one, before they are overwritten.
  void keep();

  /// Has its row name the copies, once the tables that serve are overwritten.
  void record();

  /// Puts the kept run in the place of the newest; its row is left in SPI_tuptable. Throws 55000 if
  /// none is kept, or a part of it is gone.
  void restore();

  /// Records anew that the copies are the model's: a dump does not keep that.
  void adopt() const;

 private:
  struct Copies {
    std::int64_t run;
    BySide<Oid> tables;  ///< InvalidOid for one that is gone
  };

  std::vector<Copies> find_all() const;
  std::optional<Copies> find() const;
  bool is_callers() const;
  void check_is_whole(const Copies& copies) const;
  Oid copy(Side side);
  std::uint64_t name_tables(std::int64_t run, const BySide<Oid>& tables, const char* more);
  void drop(const Copies& copies);

  ModelWriter& model_;
  std::optional<Copies> made_;
};

}  // namespace als::pg
