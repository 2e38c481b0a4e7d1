// From rows of a source to ratings in memory, whoever reads them.
#pragma once

#include "core/data/ratings.h"
#include "pg/ids/id_batch.h"
#include "pg/ids/id_dictionary.h"
#include "pg/server/memory_context.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Takes rows in: numbers their ids, and puts what counts into a buffer of (user index, item index,
/// rating).
class RatingRows {
 public:
  /// `source` must outlive it. `known`: only ratings of users and items that are known there are
  /// taken, with the same numbers.
  explicit RatingRows(const DescribedSource& source, const RatingRows* known = nullptr)
      : source_(source),
        known_(known),
        users_(source.id_types.users),
        items_(source.id_types.items),
        copies_("als ids of a batch"),
        batch_{{source.id_types.users, copies_.get()},
               {source.id_types.items, copies_.get()},
               {},
               {}} {}

  /// Takes a row: user, item, rating, and the weight where the source has one. Runs inside the
  /// executor: raises 22003 for a rating that is not finite, and what weigh() throws.
  void add(const Datum* values, const bool* nulls);

  /// Looks up what add() has put off: call it after the last row.
  void finish();

  RatingBuffer&& take_buffer() { return std::move(buffer_); }
  std::size_t ratings() const { return buffer_.size(); }
  bool has_weights() const { return source_.has_weights(); }
  const IdDictionary& users() const { return users_; }
  const IdDictionary& items() const { return items_; }
  const IdDictionary& ids(Side side) const { return side == Side::kUsers ? users_ : items_; }
  std::int64_t rows() const { return rows_; }  ///< rows read
  /// Of them with a null id or rating, or of weight 0.
  std::int64_t skipped() const { return skipped_; }

 protected:
  const DescribedSource& source() const { return source_; }

 private:
  /// Rows whose ids are looked up together.
  struct Batch {
    IdBatch users;
    IdBatch items;
    float values[IdBatch::kSize];
    float weights[IdBatch::kSize];
  };

  void look_up();

  const DescribedSource& source_;
  const RatingRows* known_;
  RatingBuffer buffer_;
  IdDictionary users_;
  IdDictionary items_;
  OwnedMemoryContext copies_;
  Batch batch_;
  std::int64_t rows_ = 0;
  std::int64_t skipped_ = 0;
};

}  // namespace als::pg
