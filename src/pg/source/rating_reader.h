// From the rows of a source to ratings in memory.
#pragma once

#include <functional>

#include "core/data/ratings.h"
#include "pg/ids/id_batch.h"
#include "pg/ids/id_dictionary.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Streams the rows of a source into a buffer of (user index, item index, rating).
class RatingReader {
 public:
  explicit RatingReader(const DescribedSource& source)
      : source_(source), users_(source.id_types.users), items_(source.id_types.items) {}

  /// Takes only ratings of users and items that `known` has read, and gives them the same numbers.
  /// The ids must be of the same types.
  RatingReader(const DescribedSource& source, const RatingReader& known) : RatingReader(source) {
    known_ = &known;
  }

  /// Reads everything under the active snapshot, as the caller, within an SPI connection.
  /// `on_block` is called before the first row and then whenever another block of the buffer is
  /// full; it may throw to refuse more. Throws 22003 for a rating that is not finite, and what
  /// weigh() throws.
  void read(const std::function<void()>& on_block);

  /// The same for those rows alone that meet a condition on $1.
  void read(const std::function<void()>& on_block, const char* condition, const Param& param);

  RatingBuffer&& take_buffer() { return std::move(buffer_); }
  std::size_t ratings() const { return buffer_.size(); }
  bool has_weights() const { return source_.has_weights(); }
  const IdDictionary& users() const { return users_; }
  const IdDictionary& items() const { return items_; }
  const IdDictionary& ids(Side side) const { return side == Side::kUsers ? users_ : items_; }
  std::int64_t rows() const { return rows_; }  ///< rows read
  /// Of them with a null id or rating, or of weight 0.
  std::int64_t skipped() const { return skipped_; }

 private:
  /// Rows whose ids are looked up together.
  struct Batch {
    IdBatch users;
    IdBatch items;
    float values[IdBatch::kSize];
    float weights[IdBatch::kSize];
  };

  void read(SPIPlanPtr plan, std::initializer_list<Param> params, const std::vector<Oid>& types,
            RowFunction on_row, const std::function<void()>& on_block);
  void read_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                 const std::function<void()>& on_block);
  bool comes_packed() const;
  std::string rating_as_read() const;
  std::string query() const;
  std::string packed_query() const;
  void add(const Datum* values, const bool* nulls);
  void add_packed(const Datum* values, const bool* nulls);
  double rating(Datum value) const;
  void look_up();

  const DescribedSource& source_;
  const RatingReader* known_ = nullptr;
  RatingBuffer buffer_;
  IdDictionary users_;
  IdDictionary items_;
  Batch* batch_ = nullptr;  // while reading
  const std::function<void()>* on_block_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t skipped_ = 0;
};

}  // namespace als::pg
