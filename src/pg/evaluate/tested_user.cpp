// als._tested_user: what an evaluation knows of a user, for the statements by which the nodes of a
// cluster evaluate their own.
//
//   test, history, seen, candidates -> TestedUser -> bytes
//
// Users wait as bytes until there are enough for a block: see tested_sums.cpp.

#include "core/evaluate/tested_user.h"

#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/relevance.h"
#include "pg/ids/id_args.h"
#include "pg/model/factor_table.h"
#include "pg/serve/fold_in_input.h"
#include "pg/server/args.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/bytea_value.h"

namespace als::pg {

namespace {

namespace tested_arg {
enum Argument {
  kModel,
  kFactors,
  kBias,
  kRatingsKnown,
  kItems,
  kRatings,
  kMeans,
  kHistory,
  kHistoryRatings,
  kSeen,
  kMoreSeen,
  kCandidates,
  kMinRating
};
}  // namespace tested_arg

std::vector<std::uint32_t> known_items(FunctionCallInfo fcinfo, int index, const IdIndex& ids,
                                       const char* name) {
  if (PG_ARGISNULL(index)) return {};
  std::vector<std::uint32_t> items = id_array_arg(fcinfo, index, ids, name);
  items.erase(std::remove(items.begin(), items.end(), IdIndex::kMissing), items.end());
  return items;
}

void check_as_many(int items, int others, const char* noun) {
  if (others == items) return;
  throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                  format("items has %d elements, but %ss has %d", items, noun, others),
                  format("Give a %s for each item, in the same order.", noun));
}

/// A row of the test for an item that the model knows.
struct KnownRow {
  std::uint32_t item;
  float rating;
  double mean;

  bool operator<(const KnownRow& other) const {
    return item != other.item ? item < other.item : rating < other.rating;
  }
};

/// Reads the arguments of a call.
class UserReader {
 public:
  UserReader(FunctionCallInfo fcinfo, ServedModel& served)
      : fcinfo_(fcinfo),
        served_(served),
        model_(served.model()),
        ids_(served.side(Side::kItems).ids()) {}

  TestedUser read() {
    read_test();
    user_.is_known = read_vector() ? 1 : 0;
    if (user_.is_known != 0 && !user_.relevant.empty()) read_lists();
    return std::move(user_);
  }

 private:
  bool is_null(int index) const { return fcinfo_->args[index].isnull; }
  Datum value(int index) const { return fcinfo_->args[index].value; }

  /// The rows of the test.
  void read_test() {
    require_arg(fcinfo_, tested_arg::kItems, "items");
    require_arg(fcinfo_, tested_arg::kRatings, "ratings");
    const std::vector<std::uint32_t> items =
        id_array_arg(fcinfo_, tested_arg::kItems, ids_, "items");
    const ArrayElements ratings = elements(tested_arg::kRatings);
    const ArrayElements means = elements(tested_arg::kMeans);
    const auto n = static_cast<int>(items.size());
    check_as_many(n, ratings.n, "rating");
    if (!is_null(tested_arg::kMeans)) check_as_many(n, means.n, "mean");
    std::optional<double> min_rating;
    if (!is_null(tested_arg::kMinRating))
      min_rating = DatumGetFloat8(value(tested_arg::kMinRating));
    std::vector<KnownRow> known;
    for (int e = 0; e < n; ++e) {
      const float rating =
          ratings.nulls[e] ? NAN : static_cast<float>(DatumGetFloat8(ratings.values[e]));
      if (!std::isfinite(rating))
        throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                        format("element %d of ratings is no finite number", e + 1),
                        "Correct the rating in the test, or leave its row out.");
      ++user_.rows;
      const bool relevant = is_relevant(model_, min_rating, rating);
      if (relevant) user_.is_relevant = 1;
      const std::uint32_t item = items[static_cast<std::size_t>(e)];
      if (item == IdIndex::kMissing) continue;
      const bool has_mean = means.n > 0 && !means.nulls[e];
      known.push_back({item, rating, has_mean ? DatumGetFloat8(means.values[e]) : model_.mean});
      if (relevant) user_.relevant.push_back(item);
    }
    std::sort(known.begin(), known.end());
    for (const KnownRow& row : known) {
      user_.items.push_back(row.item);
      user_.ratings.push_back(row.rating);
      if (model_.feedback == Feedback::kExplicit) user_.means.push_back(row.mean);
    }
    std::sort(user_.relevant.begin(), user_.relevant.end());
    user_.relevant.erase(std::unique(user_.relevant.begin(), user_.relevant.end()),
                         user_.relevant.end());
  }

  ArrayElements elements(int index) const {
    if (is_null(index)) return {};
    return server([&] { return array_elements(value(index)); });
  }

  /// False for a user of whom there is nothing to score by.
  bool read_vector() {
    float bias = 0;
    if (!is_null(tested_arg::kHistory)) {
      const FoldInInput history(fcinfo_, {tested_arg::kHistory, tested_arg::kHistoryRatings},
                                served_);
      user_.ratings_known = static_cast<std::uint32_t>(history.items().size());
      if (history.empty()) return false;
      FoldedRow row = history.fold_in(served_);
      user_.vector = std::move(row.vector);
      bias = row.bias;
    } else {
      if (is_null(tested_arg::kFactors)) return false;
      const VectorView vector = model_vector(
          server([&] { return PointerGetDatum(DatumGetArrayTypeP(value(tested_arg::kFactors))); }),
          model_, Side::kUsers);
      user_.vector.assign(vector.values, vector.values + model_.factors);
      bias = model_bias(value(tested_arg::kBias), is_null(tested_arg::kBias), model_, Side::kUsers);
      if (!is_null(tested_arg::kRatingsKnown))
        user_.ratings_known = static_cast<std::uint32_t>(
            std::max(DatumGetInt32(value(tested_arg::kRatingsKnown)), 0));
    }
    user_.base = base_score(model_, bias);
    return true;
  }

  /// What is not ranked, and what is.
  void read_lists() {
    user_.excluded = known_items(fcinfo_, tested_arg::kSeen, ids_, "seen");
    // What is in the test has been seen later than what is to be foretold, wherever else it is.
    for (const std::uint32_t item : known_items(fcinfo_, tested_arg::kMoreSeen, ids_, "more_seen"))
      if (!std::binary_search(user_.items.begin(), user_.items.end(), item))
        user_.excluded.push_back(item);
    user_.all_items = is_null(tested_arg::kCandidates) ? 1 : 0;
    user_.candidates = known_items(fcinfo_, tested_arg::kCandidates, ids_, "candidates");
  }

  const FunctionCallInfo fcinfo_;
  ServedModel& served_;
  const Model& model_;
  const IdIndex& ids_;
  TestedUser user_;
};

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_tested_user)

/// als._tested_user(model regclass, factors real[], bias real, n_ratings int, items, ratings
/// float8[], means float8[], history, history_ratings float8[], seen, more_seen, candidates,
/// min_rating float8): bytea
Datum als_tested_user(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(tested_arg::kModel) || PG_ARGISNULL(tested_arg::kItems)) PG_RETURN_NULL();
  return guard([&] {
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(tested_arg::kModel));
    const std::string user = UserReader(fcinfo, *served).read().bytes();
    return PointerGetDatum(bytea_of({user}, "Test fewer items of a user."));
  });
}
