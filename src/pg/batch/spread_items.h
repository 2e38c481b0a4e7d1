// als.refresh_items where Citus has distributed the users: what ratings say of items is summed up
// by each node, for its own users.
#pragma once

#include <functional>

#include "core/data/popularity.h"
#include "core/linalg/factor_matrix.h"
#include "pg/batch/spread_ratings.h"
#include "pg/ids/id_dictionary.h"

namespace als::pg {

/// Rows of items, in the order of their ids here.
struct SolvedItems {
  explicit SolvedItems(const IdType* type) : ids(type) {}

  IdDictionary ids;
  Factors factors;
  CompressedRows ratings;  ///< how many each has: the offsets alone
  std::vector<std::uint64_t> checksums;
  std::vector<RatingTotals> totals;  ///< but for the squares
  std::size_t duplicates = 0;        ///< ratings that were merged into others
};

/// The items' part of a refresh as queries that Citus splits up: each node counts what its users
/// have rated, and sums up the equations of an item over them. Neither ratings nor users come to
/// this node, but of each shard the equations of each item, some 2 K^2 bytes for K factors.
class SpreadItems {
 public:
  explicit SpreadItems(const SpreadRatings& ratings) : ratings_(ratings) {}

  /// Tells of each item how many ratings it has of users whom the model knows, and their checksum.
  using TakeCount = std::function<void(Datum id, std::int64_t n, std::uint64_t checksum)>;
  void for_each_count(const TakeCount& take) const;

  /// Whether equations are solved here, rather than all users read to this node: it knows the
  /// objective, and the equations of so many items are fewer bytes, or memory does not hold the
  /// users.
  bool is_better_for(std::size_t items) const;

  /// Solves those of these items that have ratings. Throws 21000 for duplicates where they are an
  /// error, 22003 for ratings that are not finite.
  SolvedItems solve(const std::vector<Datum>& ids, Progress& progress) const;

 private:
  std::size_t bytes_for_item() const;
  std::string rated(bool merged, const std::string& condition) const;
  std::string of_known_users(const std::string& rated, const char* columns) const;
  std::string solution(bool has_gram) const;
  std::string gram() const;
  void solve(const std::string& query, const Param& ids, const Param& gram,
             SolvedItems& solved) const;
  void check_duplicates(const Param& ids) const;

  const SpreadRatings& ratings_;
};

}  // namespace als::pg
