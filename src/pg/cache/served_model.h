// A model ready to score, as one call sees it: under its snapshot, with its privileges.
//
// Privileges are checked at every call, and rows that row-level security may hide are never kept.
#pragma once

#include "pg/cache/model_cache.h"

namespace als::pg {

/// One row of a factor table.
struct FactorRow {
  const float* values;
  float bias;
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

  /// The side for so many lookups, if it is in memory or worth to be read for them; else null, and
  /// find() is for single rows.
  const LoadedFactors* side_for(Side side, std::size_t lookups);

  /// A search for the rows of a side that score best.
  const TopKSearch& search(Side side);

  /// A search for the rows of a side that have the largest cosines.
  const CosineSearch& cosine_search(Side side);

  /// The row with this id, which must be of id_type(side), or nothing. Valid until the next call
  /// for the same side. Single rows come through the primary key; a caller who asks for many gets
  /// the side read as a whole.
  std::optional<FactorRow> find(Side side, Datum id);

  /// Whether row-level security may hide rows from the caller.
  bool is_filtered() const { return row_security_; }

  /// What holds for its version.
  const CachedModel& cached() const { return *cached_; }

  /// Whether it holds rows that are no longer of use when the snapshot is gone.
  bool holds_rows_of_snapshot() const;

  /// Goes on under another snapshot, which sees the same model row and catalogs. Returns false if
  /// it sees other factors, perhaps.
  bool revalidate();

 private:
  template <class Search, class Find, class... MoreRows>
  const Search& kept_search(BySide<std::shared_ptr<SideSearch<Search>>>& searches, Side side,
                            const Find& find, MoreRows... more);
  CachedModel& kept(Side side);
  void check_readable(Side side);
  void check_holds_rows(Side side);
  bool worth_loading(Side side, std::size_t more_lookups = 0);
  bool take_existing(Side side);
  std::optional<FactorRow> look_up(Side side, Datum id);

  std::shared_ptr<CachedModel> cached_;  ///< what holds for the version
  std::shared_ptr<CachedModel> own_;     ///< what holds for the snapshot only
  BySide<Lifetime> lifetimes_{Lifetime::kSnapshot, Lifetime::kSnapshot};
  bool row_security_ = false;
  BySide<bool> readable_;
  OwnedMemoryContext context_;
  BySide<IdType*> types_;

  // The row found last through the primary key.
  struct LastRow {
    bool valid = false;
    bool exists = false;
    Datum id = 0;
    std::vector<float> values;
    float bias = 0;
  };
  BySide<LastRow> last_;
};

/// The model as the active snapshot sees it. Throws what read_model() throws. Repeated calls under
/// one snapshot cost next to nothing.
std::shared_ptr<ServedModel> serve_model(Oid table);

}  // namespace als::pg
