// Groups the ratings of a source by user while its rows come.
#pragma once

#include <optional>

#include "pg/source/rating_rows.h"
#include "pg/steps/packed_ratings.h"
#include "pg/steps/session_items.h"

namespace als::pg {

/// Where users go to.
struct CollectorPlaces {
  std::int64_t training;
  std::int64_t places;     ///< in a part
  bool all_own;            ///< all parts are the session's own; else those of own_parts()
  std::uint32_t shards;    ///< into which Citus has spread the rows by user; else 0
  std::vector<int> parts;  ///< at least one
};

/// Takes the rows of one query in, and makes of them rows of part, place, user_id, items, n, kept,
/// ratings. One is of each user. Others, of places below 0, have the items that the session has not
/// told before, in the order of their numbers backwards; and one of these how many rows there were,
/// and how many of them counted. Ratings of parts that are the session's own stay in it. What does
/// not fit a quarter of als.max_memory is put into rows before all have come: a user may have
/// several then.
class RatingCollector {
 public:
  /// query: the memory of the query whose rows these are.
  RatingCollector(const DescribedSource& source, CollectorPlaces places, MemoryContext query);
  ~RatingCollector();
  RatingCollector(const RatingCollector&) = delete;
  RatingCollector& operator=(const RatingCollector&) = delete;

  /// The collector of this number in a query. Throws InvalidBytes if there is none: what one of
  /// another query has may be gone before the rows have been read.
  static RatingCollector& of(std::int64_t number, MemoryContext query);
  std::int64_t number() const { return number_; }

  /// user, item, rating as float8. Within the executor, before take_rows(), and unless is_lost().
  void add(const Datum* values, const bool* nulls) {
    rows_->add(values, nulls);
    if (++since_check_ == kRowsBetweenChecks) guard([&] { check_memory(); });
  }

  /// All rows, which are the executor's then, to the end of the query. Throws InvalidBytes the
  /// second time.
  Tuplestorestate* take_rows();
  bool is_taken() const { return is_taken_; }
  /// Files that rows are in go with the subtransaction. (An expression of a function outlives it.)
  bool is_lost() const { return !SubTransactionIsActive(subtransaction_); }
  TupleDesc columns() const { return columns_; }

 private:
  static constexpr int kRowsBetweenChecks = 1 << 16;

  void check_memory();
  void flush();
  std::vector<std::uint32_t> number_items();
  struct Place {
    int part;
    int place;
  };
  Place place_of(std::uint32_t user) const;
  std::vector<Place> places_of_users() const;
  std::size_t part_of(std::uint32_t user) const;
  /// Users whose ratings lie one behind the other, and go at once when all have been taken.
  struct Run {
    bool stay;  ///< or they go into rows
    std::vector<std::uint32_t> users;
    UninitializedVector<PackedRating> ratings;
  };
  std::vector<bool> users_that_stay(const std::vector<std::size_t>& counts,
                                    const std::vector<Place>& places) const;
  std::vector<std::uint32_t> users_in_order(const std::vector<bool>& stay,
                                            const std::vector<Place>& places) const;
  std::vector<Run> make_runs(const std::vector<std::size_t>& counts,
                             const std::vector<Place>& places) const;
  void put_users(Run run, const std::vector<std::size_t>& counts, const std::vector<Place>& places);
  void put_user(std::uint32_t user, const Place& place, std::initializer_list<ByteView> ratings);
  void tell_items();
  void put(int part, int place, NullableDatum user, NullableDatum items, NullableDatum n,
           NullableDatum kept, NullableDatum ratings);

  const DescribedSource source_;
  const CollectorPlaces places_;
  const MemoryContext query_;
  const SubTransactionId subtransaction_;
  const std::int64_t number_;
  const std::shared_ptr<SessionItems> items_;
  TupleDesc columns_;
  bool is_taken_ = false;
  OwnedMemoryContext result_context_;
  Tuplestorestate* result_;
  std::optional<RatingRows> rows_;
  int since_check_ = 0;
  std::int64_t read_ = 0;
  std::int64_t kept_ = 0;
};

}  // namespace als::pg
