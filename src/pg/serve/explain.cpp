// als.explain: what a score is made of.

#include <numeric>

#include "core/fold_in/score_contributions.h"
#include "core/linalg/products.h"

#include "pg/cache/fixed_side.h"
#include "pg/cache/served_model.h"
#include "pg/features/live_features.h"
#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

enum Argument { kModel, kUserId, kItemId, kK };

/// The rows of the result, each with its component of the score.
class ExplainedRows {
 public:
  ExplainedRows(ResultRows& result, const LoadedFactors& items, double score)
      : result_(result), items_(items), id_(items.type(), result.column_type(1)), score_(score) {}

  void add_rating(std::uint32_t item, float rating, double contribution) {
    server([&] { put("rating", id_(items_.ids().id(item)), &rating, contribution); });
  }
  void add(const char* component, double contribution) {
    server([&] { put(component, 0, nullptr, contribution); });
  }

 private:
  void put(const char* component, Datum item, const float* rating, double contribution) {
    Datum values[5] = {
        CStringGetTextDatum(component), item, Float8GetDatum(rating == nullptr ? 0 : *rating),
        Float8GetDatum(contribution), Float8GetDatum(score_ == 0 ? 0 : contribution / score_)};
    bool nulls[5] = {false, rating == nullptr, rating == nullptr, false, score_ == 0};
    result_.put(values, nulls);
  }

  ResultRows& result_;
  const LoadedFactors& items_;
  IdOutput id_;
  double score_;
};

/// Where the features of a user expect them; nothing where the model has none, or of the user there
/// are neither features nor ratings.
std::optional<Factors> expected_by_features(ServedModel& served, Datum user, bool has_ratings,
                                            ThreadTeam& alone) {
  if (!served.model().has_features(Side::kUsers)) return std::nullopt;
  const LiveFeatures features(served.model(), Side::kUsers, served.id_type(Side::kUsers),
                              std::vector<Datum>{user});
  const bool has_features =
      server([&] { return features.ids().find(user); }) != IdDictionary::kMissing;
  if (!has_features && !has_ratings) return std::nullopt;
  return features
      .of(
          1, [&](std::size_t) { return user; }, has_ratings, alone)
      .expected;
}

/// A row without ratings is where its features expect it.
Explanation explain_new(const Factors& expected, const float* y, int factors) {
  Explanation explanation;
  explanation.features = dot(expected.matrix.row(0), y, static_cast<std::size_t>(factors));
  explanation.row.bias = expected.bias_of(0);
  return explanation;
}

/// What a score is made of; nothing for a user of whom nothing is known.
std::optional<Explanation> explain(ServedModel& served, const CompressedRows& rows,
                                   const std::optional<Factors>& expected, const float* y,
                                   ThreadTeam& alone) {
  const Model& model = served.model();
  if (rows.rows() == 0) {
    if (!expected) return std::nullopt;
    return explain_new(*expected, y, model.factors);
  }
  RowMean mean;
  if (expected)
    mean = {expected->matrix.row(0), expected->bias_of(0), model.feature_strength.users};
  const FixedSide fixed(served, Side::kItems);
  return als::explain(fixed.objective, ratings_of(rows, 0), fixed.vectors, fixed.gram, y, alone,
                      mean);
}

/// The numbers of the parts, from the largest to the smallest, whatever their sign.
std::vector<std::size_t> strongest_first(const std::vector<double>& parts) {
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(std::fabs(parts[b]), a) < std::pair(std::fabs(parts[a]), b);
  });
  return order;
}

/// The k ratings that add or take away most, and all others in one row.
void add_ratings(ExplainedRows& explained, const CompressedRows& rows,
                 const std::vector<double>& parts, std::size_t k) {
  const std::vector<std::size_t> order = strongest_first(parts);
  const std::size_t shown = std::min(k, order.size());
  for (std::size_t n = 0; n < shown; ++n)
    explained.add_rating(rows.columns[order[n]], rows.values[order[n]], parts[order[n]]);
  if (shown == order.size()) return;
  double others = 0;
  for (std::size_t n = shown; n < order.size(); ++n) others += parts[order[n]];
  explained.add("other ratings", others);
}

void explain(FunctionCallInfo fcinfo, ServedModel& served, std::size_t k, ResultRows& result) {
  const Model& model = served.model();
  const std::optional<Datum> user = id_arg(fcinfo, kUserId, served.id_type(Side::kUsers), "user");
  const LoadedFactors& items = served.side(Side::kItems);
  const std::optional<Datum> item_id = id_arg(fcinfo, kItemId, items.type(), "item");
  if (!user || !item_id) return;
  const std::uint32_t item = server([&] { return items.ids().find(*item_id); });
  if (item == IdIndex::kMissing) return;
  ThreadTeam alone = interruptible_team(1);
  SpiConnection spi;
  LiveRatings live(served, Side::kUsers, {*user}, alone);
  const CompressedRows& rows = live.rows();
  const std::optional<Factors> expected =
      expected_by_features(served, *user, rows.rows() > 0, alone);
  spi.finish();
  const std::optional<Explanation> explanation =
      explain(served, rows, expected, items.rows().row(item), alone);
  if (!explanation) return;

  const std::vector<double>& parts = explanation->contributions;
  double score = std::accumulate(parts.begin(), parts.end(), explanation->features);
  if (model.biases) score += model.mean + explanation->row.bias + items.bias()[item];
  ExplainedRows explained(result, items, score);
  if (model.biases) {
    explained.add("mean", model.mean);
    explained.add("user bias", explanation->row.bias);
    explained.add("item bias", items.bias()[item]);
  }
  if (expected) explained.add("features", explanation->features);
  add_ratings(explained, rows, parts, k);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_explain)

/// als.explain(model regclass, user_id, item_id, k bigint): rows (component text, item_id, rating
/// float8, contribution float8, share float8)
Datum als_explain(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kUserId) || PG_ARGISNULL(kItemId))
      return static_cast<Datum>(0);
    const int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    explain(fcinfo, *served, static_cast<std::size_t>(k), result);
    return static_cast<Datum>(0);
  });
}
