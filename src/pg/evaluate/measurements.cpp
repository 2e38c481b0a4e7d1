// From sums over users and ratings to the rows of the result.
#include "pg/evaluate/measurements.h"

namespace als::pg {

namespace {

std::optional<double> if_any(std::size_t n, double value) {
  return n > 0 ? std::optional<double>(value) : std::nullopt;
}

}  // namespace

Measurement share_of(const char* metric, std::size_t part, std::size_t all) {
  return {metric,
          {},
          if_any(all, static_cast<double>(part) / static_cast<double>(all)),
          {},
          static_cast<std::int64_t>(all)};
}

void add_prediction_errors(const PredictionEvaluator& evaluator, bool has_means,
                           std::vector<Measurement>& result) {
  const PredictionError& model = evaluator.model();
  const PredictionError& means = evaluator.means();
  const std::size_t n = model.n();
  const auto add = [&](const char* metric, std::size_t of, double value, double baseline) {
    result.push_back({metric,
                      {},
                      if_any(of, value),
                      if_any(has_means ? of : 0, baseline),
                      static_cast<std::int64_t>(n)});
  };
  add("rmse", n, model.rmse(), means.rmse());
  add("mae", n, model.mae(), means.mae());
  add("r2", evaluator.has_r2() ? n : 0, evaluator.r2(model), evaluator.r2(means));
}

void add_ranking_metrics(const RankingMetrics& model, const RankingMetrics& popular,
                         const std::vector<std::uint32_t>& cutoffs, std::size_t items,
                         std::vector<Measurement>& result) {
  const auto add = [&](const char* metric, std::optional<std::uint32_t> k, double value,
                       double baseline, std::size_t of) {
    result.push_back(
        {metric, k, if_any(of, value), if_any(of, baseline), static_cast<std::int64_t>(of)});
  };
  const std::size_t users = model.users;
  for (std::size_t c = 0; c < cutoffs.size(); ++c) {
    const std::uint32_t k = cutoffs[c];
    const RankingMetrics::AtCutoff& at = model.at[c];
    const RankingMetrics::AtCutoff& base = popular.at[c];
    add("precision", k, at.precision, base.precision, users);
    add("recall", k, at.recall, base.recall, users);
    add("hit_rate", k, at.hit_rate, base.hit_rate, users);
    add("ndcg", k, at.ndcg, base.ndcg, users);
    add("map", k, at.map, base.map, users);
    add("catalog_coverage", k, at.catalog_coverage, base.catalog_coverage, items);
  }
  add("mrr", {}, model.mrr, popular.mrr, users);
  add("auc", {}, model.auc, popular.auc, model.auc_users);
}

}  // namespace als::pg
