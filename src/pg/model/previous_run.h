// The run before the newest, kept so that als.rollback_model can serve it again.
//
// Its factors are copied into two tables of their own, which its row in the model table then names.
// The tables that serve stay the same ones, for the sake of grants, views and indexes on them. A
// copy is recorded to be the model's as they are, but has no trigger: it does not serve.
#pragma once

#include "pg/model/model_writer.h"

namespace als::pg {

/// Of a model that is locked, and gets a run or loses its newest.
class PreviousRun {
 public:
  explicit PreviousRun(ModelWriter& model) : model_(model) {}

  /// Removes the copies that a run is kept in, if one is.
  void forget();

  /// Copies the factors of the newest run, if there is one, before they are overwritten.
  void keep();

  /// Has its row name the copies, once the tables that serve are overwritten.
  void record();

  /// Puts the kept run in the place of the newest; its row is left in SPI_tuptable. Throws 55000 if
  /// none is kept.
  void restore();

 private:
  struct Copies {
    std::int64_t run;
    BySide<Oid> tables;
  };

  std::optional<Copies> find() const;
  Oid copy(Side side);
  std::uint64_t name_tables(std::int64_t run, const BySide<Oid>& tables, const char* more);
  void drop(const Copies& copies);

  ModelWriter& model_;
  std::optional<Copies> made_;
};

}  // namespace als::pg
