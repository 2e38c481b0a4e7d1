// Models ready to score, right under MVCC.
//
// What is kept of a side is keyed by the model table, the side's version and the state of its
// factor table. A snapshot reads the versions out of the model row it sees, so it finds exactly its
// own factors, whatever other transactions have committed since. Privileges are checked at every
// call, and rows that row-level security may hide are never kept.
#pragma once

#include "core/search/top_k_search.h"
#include "pg/cache/loaded_factors.h"
#include "pg/cache/model_segments.h"

namespace als::pg {

/// One row of a factor table.
struct FactorRow {
  const float* values;
  float bias;
};

/// A search over the rows of a side.
struct SideSearch {
  std::shared_ptr<Segment> segment;
  TopKSearch search;
};

/// What this session keeps of one version of a model: views of segments, most of which it shares
/// with other sessions.
struct CachedModel {
  Model model;
  std::shared_ptr<LoadedFactors> sides[2];
  std::shared_ptr<SideSearch> searches[2];
  int lookups[2] = {0, 0};
  bool transaction_local = false;  ///< some of it holds for this transaction only
};

/// A model as the caller's snapshot sees it, with the caller's privileges.
class ServedModel {
 public:
  ServedModel(std::shared_ptr<CachedModel> cached, Oid user);

  const Model& model() const { return cached_->model; }

  /// The type of a side's ids.
  const IdType& id_type(Side side);

  /// All rows of a side. Throws 42501 where the caller may not read them.
  const LoadedFactors& side(Side side);

  /// A search for the rows of a side that score best.
  const TopKSearch& search(Side side);

  /// The row with this id, which must be of id_type(side), or nothing. Valid until the next call
  /// for the same side. Single rows come through the primary key; a caller who asks for many gets
  /// the side read as a whole.
  std::optional<FactorRow> find(Side side, Datum id);

  /// Whether nothing but the caller's snapshot and role decides what it sees.
  bool is_reusable() const { return !row_security_; }

  /// Goes on under another snapshot, which sees the same model row.
  void revalidate();

 private:
  void check_readable(Side side);
  bool worth_loading(Side side) const;
  bool take_existing(Side side);
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

/// The segments that only this session has, of models that it keeps.
std::vector<RegisteredSegment> private_segments();

}  // namespace als::pg
