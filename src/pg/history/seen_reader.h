// What users have seen, for many users at once; for one user see exclude_seen() in
// pg/serve/recommend.cpp.
#pragma once

#include <functional>

#include "core/data/seen_lists.h"
#include "pg/cache/loaded_factors.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Streams the users and items of a source's rows into lists by user. Rows with a null, or with a
/// user or item that the model does not know, are skipped.
class SeenReader {
 public:
  /// Needs an SPI connection, as read() does. Throws 42P01 or 42703 if the source's table or column
  /// is gone, 42804 if its ids do not cast to the model's.
  SeenReader(const RatingSource& source, const LoadedFactors& users, const LoadedFactors& items);

  /// Reads everything under the active snapshot, as the caller. `on_rows` is called now and then;
  /// it may throw.
  void read(SeenLists& lists, const std::function<void()>& on_rows);

  std::int64_t rows() const { return rows_; }  ///< rows read, in all calls of read()

 private:
  static constexpr std::size_t kBatch = 512;

  void add(TupleTableSlot* slot);
  void flush();

  const LoadedFactors& model_users_;
  const LoadedFactors& model_items_;
  const RatingSource source_;
  SPIPlanPtr plan_;
  Oid user_type_;
  Oid item_type_;
  IdConverter user_converter_;
  IdConverter item_converter_;
  SeenLists* lists_ = nullptr;  // while reading
  const std::function<void()>* on_rows_ = nullptr;
  std::int64_t rows_ = 0;
  std::size_t size_ = 0;  // of the batch
  std::uint32_t users_[kBatch];
  std::uint32_t items_[kBatch];
};

}  // namespace als::pg
