// The ids of one side of a model in a block of memory without pointers.
#pragma once

#include "core/base/id_table.h"
#include "pg/ids/id_dictionary.h"

namespace als::pg {

/// A view of the image of an IdDictionary, with the same numbers. The image may lie anywhere, at an
/// address of its own in each process that maps it.
class IdIndex {
 public:
  static constexpr std::uint32_t kMissing = IdDictionary::kMissing;

  /// The image of a dictionary; `image` is aligned to 8 bytes.
  static std::size_t bytes(const IdDictionary& ids);
  static void write(const IdDictionary& ids, char* image);

  /// `type` and the image must outlive this.
  IdIndex(const IdType* type, const char* image);

  std::size_t size() const { return header_->size; }
  const IdType& type() const { return *type_; }

  /// The id with this index; points into the image.
  Datum id(std::uint32_t index) const {
    return type_->by_value() ? static_cast<Datum>(keys_[index])
                             : PointerGetDatum(bytes_ + keys_[index]);
  }

  /// The index of an id, or kMissing. May raise server errors unless is_plain().
  std::uint32_t find(Datum id) const {
    // Negative numbers are large ones here.
    const auto number = static_cast<std::uint64_t>(type_->number(id));
    return number < n_small_ ? find_small(number) : find_hashed(id);
  }

  /// Whether find() never calls the server: for integers and the like.
  bool is_plain() const { return ids_may_be_small(*type_); }

 private:
  /// Of 32 numbers one after the other, a bit for each that is an id, and the index of the first of
  /// these: the others have those that follow. A quarter of a byte for each number, so that what
  /// is asked for is mostly in the cache.
  struct SmallIds {
    static constexpr std::uint64_t kNumbers = 32;
    std::uint32_t bits;
    std::uint32_t first;
  };

  /// Sizes and places, in bytes from the header. Ids below n_small are found by their number,
  /// others by their hash.
  struct Header {
    std::uint64_t size;
    std::uint64_t n_small;
    std::uint64_t n_slots;
    std::uint64_t keys;  // by-value ids, or where they lie from `bytes` on
    std::uint64_t small;
    std::uint64_t slots;
    std::uint64_t bytes;
    std::uint64_t end;
  };

  static Header layout(const IdDictionary& ids);
  std::uint32_t find_small(std::uint64_t number) const;
  std::uint32_t find_hashed(Datum id) const;

  const IdType* type_;
  const Header* header_;
  const std::int64_t* keys_;
  const SmallIds* small_;
  const IdSlot* slots_;
  const char* bytes_;
  std::uint64_t n_small_;
};

inline std::uint32_t IdIndex::find_small(std::uint64_t number) const {
  const SmallIds& ids = small_[number / SmallIds::kNumbers];
  const std::uint32_t bit = std::uint32_t{1} << number % SmallIds::kNumbers;
  if ((ids.bits & bit) == 0) return kMissing;
  // The bits below it, counted in pairs, fours, eights: not all processors have an instruction.
  std::uint32_t below = ids.bits & (bit - 1);
  below -= below >> 1 & 0x55555555;
  below = (below & 0x33333333) + (below >> 2 & 0x33333333);
  below = (below + (below >> 4)) & 0x0f0f0f0f;
  return ids.first + (below * 0x01010101 >> 24);
}

}  // namespace als::pg
