// als.explain: what a score is made of.

#include "core/train/score_contributions.h"

#include "pg/cache/model_cache.h"
#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"

namespace als::pg {

namespace {

enum Argument { kModel, kUserId, kItemId, kK };

/// The rows of the result, each with its part of the score.
class ExplainedRows {
 public:
  ExplainedRows(FunctionCallInfo fcinfo, const LoadedFactors& items, double score)
      : result_(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)),
        items_(items),
        id_(items.type(), TupleDescAttr(result_->setDesc, 1)->atttypid),
        score_(score) {}

  void add_rating(std::uint32_t item, float rating, double contribution) {
    server([&] { put("rating", id_(items_.ids().id(item)), &rating, contribution); });
  }
  void add(const char* part, double contribution) {
    server([&] { put(part, 0, nullptr, contribution); });
  }

 private:
  void put(const char* part, Datum item, const float* rating, double contribution) {
    Datum values[5] = {
        CStringGetTextDatum(part), item, Float8GetDatum(rating == nullptr ? 0 : *rating),
        Float8GetDatum(contribution), Float8GetDatum(score_ == 0 ? 0 : contribution / score_)};
    bool nulls[5] = {false, rating == nullptr, rating == nullptr, false, score_ == 0};
    tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
  }

  ReturnSetInfo* result_;
  const LoadedFactors& items_;
  IdOutput id_;
  double score_;
};

void explain(FunctionCallInfo fcinfo, ServedModel& served, std::size_t k) {
  const Model& model = served.model();
  const Datum user = id_arg(fcinfo, kUserId, served.id_type(Side::kUsers), "user");
  const LoadedFactors& items = served.side(Side::kItems);
  const Datum item_id = id_arg(fcinfo, kItemId, items.type(), "item");
  const std::uint32_t item = server([&] { return items.ids().find(item_id); });
  if (item == IdIndex::kMissing) return;
  ThreadTeam alone = interruptible_team(1);
  SpiConnection spi;
  LiveRatings live(served, Side::kUsers, {user}, alone);
  spi.finish();
  const CompressedRows& rows = live.rows();
  if (rows.rows() == 0) return;

  RowObjective objective(model.options(), model.biases ? model.mean : 0.0, items.size());
  const BiasedView fixed(items.rows(), model.biases ? items.bias() : nullptr);
  const float* gram = objective.implicit() ? served.search(Side::kItems).gram() : nullptr;
  const Explanation explanation =
      als::explain(objective, {rows.columns.data(), rows.values.data(), rows.columns.size()}, fixed,
                   gram, items.rows().row(item), alone);

  const std::vector<double>& parts = explanation.contributions;
  std::vector<std::size_t> order(parts.size());
  double score = 0;
  for (std::size_t e = 0; e < parts.size(); ++e) {
    order[e] = e;
    score += parts[e];
  }
  if (model.biases) score += model.mean + explanation.row.bias + items.bias()[item];
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(parts[a]) > std::fabs(parts[b]);
  });

  ExplainedRows result(fcinfo, items, score);
  if (model.biases) {
    result.add("mean", model.mean);
    result.add("user bias", explanation.row.bias);
    result.add("item bias", items.bias()[item]);
  }
  const std::size_t shown = std::min(k, order.size());
  for (std::size_t n = 0; n < shown; ++n)
    result.add_rating(rows.columns[order[n]], rows.values[order[n]], parts[order[n]]);
  if (shown == order.size()) return;
  double others = 0;
  for (std::size_t n = shown; n < order.size(); ++n) others += parts[order[n]];
  result.add("other ratings", others);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_explain)

/// als.explain(model regclass, user_id, item_id, k int): rows (part text, item_id, rating float8,
/// contribution float8, share float8)
Datum als_explain(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  init_materialized_srf(fcinfo);
  if (PG_ARGISNULL(kModel) || PG_ARGISNULL(kUserId) || PG_ARGISNULL(kItemId))
    return static_cast<Datum>(0);
  return guard([&] {
    const int k = int_arg(fcinfo, kK, "k", 0, PG_INT32_MAX);
    std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
    explain(fcinfo, *served, static_cast<std::size_t>(k));
    return static_cast<Datum>(0);
  });
}
