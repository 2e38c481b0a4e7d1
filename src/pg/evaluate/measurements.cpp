// From sums over users and ratings to the rows of the result.
#include "pg/evaluate/measurements.h"

#include "pg/server/guard.h"

namespace als::pg {

namespace {

struct CutoffMetric {
  const char* name;
  double RankingMetrics::AtCutoff::*value;
};

/// Those that each user has.
constexpr CutoffMetric kCutoffMetrics[] = {{"precision", &RankingMetrics::AtCutoff::precision},
                                           {"recall", &RankingMetrics::AtCutoff::recall},
                                           {"hit_rate", &RankingMetrics::AtCutoff::hit_rate},
                                           {"ndcg", &RankingMetrics::AtCutoff::ndcg},
                                           {"map", &RankingMetrics::AtCutoff::map}};

std::optional<double> if_any(std::size_t n, double value) {
  return n > 0 ? std::optional<double>(value) : std::nullopt;
}

}  // namespace

void add_user(const UserResult& user, EvaluationSums& sums) {
  sums.errors.add(user.errors);
  if (user.ranking) sums.ranking.add(*user.ranking);
  if (user.popular) sums.popular.add(*user.popular);
}

void report_left_out(std::size_t left_out, std::size_t relevant) {
  if (left_out == 0) return;
  server([&] {
    ereport(NOTICE,
            (errmsg("als: %zu of the test's %zu relevant items are not ranked, because their users "
                    "have seen them",
                    left_out, relevant),
             errhint("If the model was trained on rows of the test, its metrics mean nothing; if "
                     "items are to be recommended again, use exclude_seen => false.")));
  });
}

Measurement share_of(const char* metric, std::size_t part, std::size_t all) {
  return {metric,
          {},
          if_any(all, static_cast<double>(part) / static_cast<double>(all)),
          {},
          static_cast<std::int64_t>(all)};
}

void add_prediction_errors(const PredictionSums& sums, bool has_means,
                           std::vector<Measurement>& result) {
  const PredictionError& model = sums.model;
  const PredictionError& means = sums.means;
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
  add("r2", sums.has_r2() ? n : 0, sums.r2(model), sums.r2(means));
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
    for (const CutoffMetric& metric : kCutoffMetrics)
      add(metric.name, k, at.*metric.value, base.*metric.value, users);
    add("catalog_coverage", k, at.catalog_coverage, base.catalog_coverage, items);
  }
  add("mrr", {}, model.mrr, popular.mrr, users);
  add("auc", {}, model.auc, popular.auc, model.auc_users);
}

std::vector<Measurement> user_measurements(const UserResult& user, bool has_errors, bool has_means,
                                           const std::vector<std::uint32_t>& cutoffs) {
  std::vector<Measurement> result;
  const auto add = [&](const char* metric, std::optional<std::uint32_t> k, bool has_value,
                       double value, bool has_baseline, double baseline) {
    result.push_back({metric, k, if_any(has_value, value), if_any(has_baseline, baseline), 1});
  };
  if (has_errors) {
    const bool any = user.errors.model.n() > 0;
    const bool baseline = any && has_means;
    add("rmse", {}, any, user.errors.model.rmse(), baseline, user.errors.means.rmse());
    add("mae", {}, any, user.errors.model.mae(), baseline, user.errors.means.mae());
  }
  if (cutoffs.empty()) return result;

  const bool any = user.ranking.has_value();
  const RankingMetrics none(cutoffs.size());
  const RankingMetrics& model = any ? *user.ranking : none;
  const RankingMetrics& popular = any ? *user.popular : none;
  for (std::size_t c = 0; c < cutoffs.size(); ++c)
    for (const CutoffMetric& metric : kCutoffMetrics)
      add(metric.name, cutoffs[c], any, model.at[c].*metric.value, any,
          popular.at[c].*metric.value);
  add("mrr", {}, any, model.mrr, any, popular.mrr);
  const bool has_auc = any && model.auc_users > 0;
  add("auc", {}, has_auc, model.auc, has_auc, popular.auc);
  return result;
}

std::vector<Measurement> group_measurements(const EvaluationSums& group, bool has_errors,
                                            bool has_means,
                                            const std::vector<std::uint32_t>& cutoffs) {
  std::vector<Measurement> result;
  const auto add = [&](const char* metric, std::optional<std::uint32_t> k, std::size_t n,
                       double value, bool has_baseline, double baseline) {
    result.push_back({metric, k, if_any(n, value), if_any(has_baseline ? n : 0, baseline),
                      static_cast<std::int64_t>(n)});
  };
  result.push_back(share_of("coverage", group.predictable, group.rows));
  if (has_errors) {
    const std::size_t n = group.errors.model.n();
    add("rmse", {}, n, group.errors.model.rmse(), has_means, group.errors.means.rmse());
    add("mae", {}, n, group.errors.model.mae(), has_means, group.errors.means.mae());
  }
  if (cutoffs.empty()) return result;
  const RankingMetrics model = group.ranking.mean();
  const RankingMetrics popular = group.popular.mean();
  result.push_back(share_of("user_coverage", model.users, group.users));
  for (std::size_t c = 0; c < cutoffs.size(); ++c)
    for (const CutoffMetric& metric : kCutoffMetrics)
      add(metric.name, cutoffs[c], model.users, model.at[c].*metric.value, true,
          popular.at[c].*metric.value);
  add("mrr", {}, model.users, model.mrr, true, popular.mrr);
  add("auc", {}, model.auc_users, model.auc, true, popular.auc);
  return result;
}

}  // namespace als::pg
