// The ids that a relation or query lists: those to recommend to, or what to recommend.
#pragma once

#include "pg/cache/loaded_factors.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// A relation or query that an argument has named.
class ListedIds {
 public:
  /// Needs an SPI connection, as the rest does. The columns have the names of the model's source;
  /// where there is but one column, it may have any name. Throws what parse_source() throws.
  ListedIds(const std::string& text, const char* argument, const RatingSource& model_source);

  /// Whether it has a column for each side: who and what.
  bool has_pairs() const { return has_pairs_; }
  const RatingSource& source() const { return source_; }

  /// The name of the column with the ids of this side. Throws 42703 where there is none.
  const std::string& column(Side side) const;

  /// The numbers that the model has for ids of this side, ascending, each once; unknown ones and
  /// nulls are left out. Reads under the active snapshot, as the caller. Throws 42703 where there
  /// is no such column, 42804 where its ids do not cast to the model's.
  std::vector<std::uint32_t> read(Side side, const LoadedFactors& known) const;

 private:
  const char* argument_;
  RatingSource source_;
  std::vector<std::string> columns_;
  std::string told_columns_;  ///< in a sentence
  bool has_pairs_;
};

}  // namespace als::pg
