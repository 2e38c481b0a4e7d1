// Distinct ids of any SQL type, numbered as they come.
#pragma once

#include "core/base/id_table.h"
#include "pg/ids/id_equality.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Keeps one copy of every distinct id. Integers and the like are kept and compared as 64-bit
/// numbers, types with byte-wise equality as bytes, and only the rest through the type's own
/// functions.
///
/// find() and find_or_add() may raise server errors (a type's own hash function may), and hold no
/// object with a destructor while they call the server; find_or_add() may throw std::bad_alloc.
class IdDictionary {
 public:
  static constexpr std::uint32_t kMissing = IdTable::kMissing;

  /// `type` must outlive the dictionary.
  explicit IdDictionary(const IdType* type) : type_(type), may_be_small_(ids_may_be_small(*type)) {}

  std::uint32_t find(Datum id) const;
  std::uint32_t find_or_add(Datum id);

  /// The same for many ids, none of which is toasted: faster than one by one.
  void find_or_add(const Datum* ids, std::size_t n, std::uint32_t* indexes);

  std::size_t size() const { return table_.size(); }
  const IdType& type() const { return *type_; }

  /// The id with this index; points into the dictionary.
  Datum id(std::uint32_t index) const {
    return type_->by_value() ? static_cast<Datum>(values_[index])
                             : PointerGetDatum(pointers_[index]);
  }

  /// A 64-bit hash of every id, by index.
  const std::vector<std::uint64_t>& hashes() const { return table_.hashes(); }

  /// For each index its place in an order that depends on the ids alone: numeric for types
  /// passed by value (as signed numbers, oid too), bytewise for others with byte-wise equality,
  /// else the type's btree order. A server call (interruptible).
  void rank(std::uint32_t* ranks) const;

  std::size_t bytes() const;

 private:
  static constexpr std::size_t kGroup = 64;

  struct SortKey {
    std::uint64_t number;
    std::uint32_t index;
  };

  std::uint64_t hash(Datum id) const;
  bool equal(std::uint32_t index, Datum id) const;
  int compare(std::uint32_t a, std::uint32_t b) const;
  std::uint32_t find(Datum id, std::uint64_t hash) const;
  void find_group(const Datum* ids, std::size_t n, std::uint32_t* indexes) const;
  std::uint32_t add(Datum id);
  std::uint64_t number(Datum id) const;
  bool is_small(std::uint64_t number) const;
  void remember_small(std::uint64_t number, std::uint32_t index);
  char* store(Datum id);
  std::size_t common_prefix() const;
  void fill_sort_keys(SortKey* keys) const;
  static int compare_for_sort(const void* a, const void* b, void* dictionary);

  const IdType* type_;
  const bool may_be_small_;
  IdTable table_;
  std::vector<std::int64_t> values_;  // by-value ids
  // The index of a small non-negative integer, the common kind of id, without a hash: numbers from
  // a sequence lie close together, and so do their entries here.
  std::vector<std::uint32_t> small_;
  std::vector<char*> pointers_;  // other ids, into the blocks
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_used_ = 0;
  std::size_t block_size_ = 0;
  std::size_t block_bytes_ = 0;
};

}  // namespace als::pg
