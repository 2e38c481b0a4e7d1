// Models ready to score, kept by this backend and right under MVCC.
//
// What is kept is keyed by the model table, its version and the state of its factor tables. A
// snapshot reads the version out of the model row it sees, so it finds exactly its own factors,
// whatever other transactions have committed since. Privileges are checked at every call, and rows
// that row-level security may hide are never kept.
#pragma once

#include "core/normal_equations.h"
#include "pg/factor_side.h"

namespace als::pg {

/// One row of a factor table.
struct FactorRow {
  const float* values;
  float bias;
};

/// What is kept of one version of a model.
struct CachedModel {
  Model model;
  std::unique_ptr<FactorSide> sides[2];
  std::unique_ptr<NormalEquations> item_gram;
  int lookups[2] = {0, 0};
};

/// A model as the caller's snapshot sees it, with the caller's privileges.
class ServedModel {
 public:
  ServedModel(std::shared_ptr<CachedModel> cached, Oid user);

  const Model& model() const { return cached_->model; }

  /// The type of a side's ids.
  const IdType& id_type(Side side);

  /// All rows of a side. Throws 42501 where the caller may not read them.
  const FactorSide& side(Side side);

  /// Y^T Y of the items' vectors, laid out like NormalEquations::matrix(). Throws what side()
  /// throws.
  const float* item_gram();

  /// The row with this id, which must be of id_type(side), or nothing. Valid until the next call
  /// for the same side. Single rows come through the primary key; a caller who asks for many gets
  /// the side read as a whole.
  std::optional<FactorRow> find(Side side, Datum id);

  /// Whether nothing but the caller's snapshot and role decides what it sees.
  bool is_reusable() const { return !row_security_; }

 private:
  void check_readable(Side side);
  bool worth_loading(Side side) const;
  std::optional<FactorRow> look_up(Side side, Datum id);

  std::shared_ptr<CachedModel> cached_;
  bool row_security_ = false;
  bool readable_[2] = {false, false};
  OwnedMemoryContext context_;
  IdType* types_[2] = {nullptr, nullptr};

  // The row found last through the primary key.
  struct LastRow {
    bool valid = false;
    bool exists = false;
    Datum id = 0;
    std::vector<float> values;
    float bias = 0;
  } last_[2];
};

/// The model as the active snapshot sees it. Throws what read_model() throws. Repeated calls under
/// one snapshot cost next to nothing.
std::shared_ptr<ServedModel> serve_model(Oid table);

}  // namespace als::pg
