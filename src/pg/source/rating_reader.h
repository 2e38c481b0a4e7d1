// From the rows of a source to ratings in memory.
#pragma once

#include <functional>

#include "pg/source/rating_rows.h"

namespace als::pg {

/// Streams the rows of a source into a buffer of (user index, item index, rating).
class RatingReader : public RatingRows {
 public:
  explicit RatingReader(const DescribedSource& source) : RatingRows(source) {}

  /// Takes only ratings of users and items that `known` has read, and gives them the same numbers.
  /// The ids must be of the same types.
  RatingReader(const DescribedSource& source, const RatingReader& known)
      : RatingRows(source, &known) {}

  /// Reads everything under the active snapshot, as the caller, within an SPI connection.
  /// `on_block` is called before the first row and then whenever another block of the buffer is
  /// full; it may throw to refuse more. Throws 22003 for a rating that is not finite, and what
  /// weigh() throws.
  void read(const std::function<void()>& on_block);

  /// The same for those rows alone that meet a condition on $1.
  void read(const std::function<void()>& on_block, const char* condition, const Param& param);

 private:
  void read(SPIPlanPtr plan, std::initializer_list<Param> params, const std::vector<Oid>& types,
            RowFunction on_row, const std::function<void()>& on_block);
  void read_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                 const std::function<void()>& on_block);
  bool comes_packed() const;
  std::string query() const;
  std::string packed_query() const;
  void take(const Datum* values, const bool* nulls);
  void add_packed(const Datum* values, const bool* nulls);

  const std::function<void()>* on_block_ = nullptr;
};

}  // namespace als::pg
