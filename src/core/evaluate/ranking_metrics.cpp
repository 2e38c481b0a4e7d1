// Recall, precision, NDCG and the like, from ranks.
#include "core/evaluate/ranking_metrics.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

/// What a relevant item at this rank adds to the discounted cumulative gain.
double discount(std::size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 1); }

}  // namespace

RankingMetrics::RankingMetrics(const RelevantRanks& relevant,
                               const std::vector<std::uint32_t>& cutoffs)
    : RankingMetrics(cutoffs.size()) {
  users = 1;
  mrr = 1 / static_cast<double>(relevant.ranks.front());
  if (relevant.has_auc()) {
    auc_users = 1;
    auc = relevant.auc;
  }
  for (std::size_t c = 0; c < cutoffs.size(); ++c) {
    const std::size_t k = cutoffs[c];
    std::size_t hits = 0;
    double gain = 0;
    double precisions = 0;
    for (; hits < relevant.ranks.size() && relevant.ranks[hits] <= k; ++hits) {
      const std::size_t rank = relevant.ranks[hits];
      gain += discount(rank);
      precisions += static_cast<double>(hits + 1) / static_cast<double>(rank);
    }
    const std::size_t possible = std::min(k, relevant.ranks.size());
    double best_gain = 0;
    for (std::size_t rank = 1; rank <= possible; ++rank) best_gain += discount(rank);

    AtCutoff& metrics = at[c];
    metrics.precision = static_cast<double>(hits) / static_cast<double>(k);
    metrics.recall = static_cast<double>(hits) / static_cast<double>(possible);
    metrics.hit_rate = hits > 0 ? 1 : 0;
    metrics.ndcg = gain / best_gain;
    metrics.map = precisions / static_cast<double>(possible);
  }
}

void RankingMetrics::add(const RankingMetrics& other) {
  for (std::size_t c = 0; c < at.size(); ++c) {
    at[c].precision += other.at[c].precision;
    at[c].recall += other.at[c].recall;
    at[c].hit_rate += other.at[c].hit_rate;
    at[c].ndcg += other.at[c].ndcg;
    at[c].map += other.at[c].map;
  }
  mrr += other.mrr;
  auc += other.auc;
  users += other.users;
  auc_users += other.auc_users;
}

RankingMetrics RankingMetrics::mean() const {
  RankingMetrics mean = *this;
  const double n = static_cast<double>(std::max<std::size_t>(users, 1));
  for (AtCutoff& metrics : mean.at) {
    metrics.precision /= n;
    metrics.recall /= n;
    metrics.hit_rate /= n;
    metrics.ndcg /= n;
    metrics.map /= n;
  }
  mean.mrr /= n;
  mean.auc /= static_cast<double>(std::max<std::size_t>(auc_users, 1));
  return mean;
}

}  // namespace als
