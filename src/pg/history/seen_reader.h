// What users have seen, for many users at once; for one user see leave_out() in
// pg/serve/recommend.cpp.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/data/seen_lists.h"
#include "pg/cache/loaded_factors.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Sums of ratings, by item, of rows whose users the model need not know.
struct RatingSums {
  explicit RatingSums(std::size_t items) : sums(items), counts(items) {}

  /// A rating beyond single precision, which no training takes, leaves its item without a mean.
  void add(std::uint32_t item, double rating) {
    const bool counts_as_is = std::fabs(rating) <= std::numeric_limits<float>::max();
    sums[item] += counts_as_is ? rating : std::numeric_limits<double>::infinity();
    ++counts[item];
  }

  std::vector<double> sums;
  std::vector<std::int64_t> counts;
};

/// Streams the users and items of sources' rows into lists by user. Rows with a null, or with a
/// user or item that the model does not know, are skipped.
class SeenReader {
 public:
  /// `whom`: whose lists they are, by default users'.
  SeenReader(const LoadedFactors& users, const LoadedFactors& items, Side whom = Side::kUsers)
      : whom_(whom),
        listed_(whom == Side::kUsers ? users : items),
        in_lists_(whom == Side::kUsers ? items : users) {}

  /// One more to read. Needs an SPI connection, as read() does. Throws 42P01 or 42703 if the
  /// source's table or column is gone, 42804 if its ids do not cast to the model's.
  void add_source(const RatingSource& source);

  /// The same; the first time that it is read its ratings are added up. Both must stay.
  void add_source(const DescribedSource& source, RatingSums& sums);

  /// Reads everything under the active snapshot, as the caller. `on_rows` is called now and then;
  /// it may throw.
  void read(SeenLists& lists, const std::function<void()>& on_rows);

  std::int64_t rows() const { return rows_; }  ///< rows read, in all calls of read()

 private:
  static constexpr std::size_t kBatch = 512;

  struct Source {
    RatingSource named;
    std::string query;
    std::vector<Oid> types = {};
    const DescribedSource* described = nullptr;  ///< this and the next: where ratings are read
    RatingSums* sums = nullptr;
    IdConverter converters[2] = {};  ///< of those who have a list, and of what is in it
  };

  void add_source(Source added, const std::string& more_columns);
  void add(TupleTableSlot* slot);
  void flush();

  Side whom_;
  const LoadedFactors& listed_;
  const LoadedFactors& in_lists_;
  std::vector<Source> sources_;
  Source* source_ = nullptr;  // this and the next two: while reading
  SeenLists* lists_ = nullptr;
  const std::function<void()>* on_rows_ = nullptr;
  std::int64_t rows_ = 0;
  std::size_t size_ = 0;  // of the batch
  std::uint32_t users_[kBatch];
  std::uint32_t items_[kBatch];
};

}  // namespace als::pg
