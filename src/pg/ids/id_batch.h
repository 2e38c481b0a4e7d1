// Ids of some rows, to be looked up together.
#pragma once

#include "pg/ids/id_type.h"

namespace als::pg {

/// Ids as they come from the executor, kept beyond their row. Trivially destructible: add() runs
/// inside the executor, where any call may longjmp.
class IdBatch {
 public:
  static constexpr std::size_t kSize = 512;

  /// `type` must outlive the batch. Copies are made in `context`, which clear() resets: batches
  /// that share it are cleared together.
  IdBatch(const IdType* type, MemoryContext context)
      : type_(type), by_value_(type->by_value()), context_(context) {}

  /// Adds an id where there are less than kSize. A server call.
  void add(Datum id) { ids_[size_++] = by_value_ ? id : copy(id); }

  void clear();

  std::size_t size() const { return size_; }
  const Datum* ids() const { return ids_; }

 private:
  Datum copy(Datum id);

  const IdType* type_;
  const bool by_value_;
  MemoryContext context_;
  char* free_ = nullptr;  // in a piece of memory from the context
  std::size_t free_bytes_ = 0;
  std::size_t size_ = 0;
  Datum ids_[kSize];
};

}  // namespace als::pg
