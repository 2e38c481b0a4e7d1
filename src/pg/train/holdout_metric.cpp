// Picks the metric that suits the feedback, and computes it.
#include "pg/train/holdout_metric.h"

#include "core/evaluate/holdout_metrics.h"

namespace als::pg {

const HoldoutMetric::Ranking HoldoutMetric::kRankings[] = {{"recall", Kind::kRecall},
                                                           {"precision", Kind::kPrecision},
                                                           {"ndcg", Kind::kNdcg},
                                                           {"map", Kind::kMap},
                                                           {"hit_rate", Kind::kHitRate}};

HoldoutMetric::HoldoutMetric(const std::string& name, Feedback feedback) : HoldoutMetric(feedback) {
  constexpr int kMaxCutoff = 1000;
  if (feedback == Feedback::kExplicit) {
    if (name == "rmse") return;
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("invalid metric for explicit feedback: '%s'", name.c_str()),
                    "Use 'rmse'.");
  }
  std::size_t at = name.find('@');
  for (const Ranking& ranking : kRankings) {
    if (at == std::string::npos || name.compare(0, at, ranking.name) != 0) continue;
    std::string digits = name.substr(at + 1);
    int cutoff = std::atoi(digits.c_str());
    if (digits != std::to_string(cutoff) || cutoff < 1 || cutoff > kMaxCutoff) break;
    kind_ = ranking.kind;
    cutoff_ = static_cast<std::size_t>(cutoff);
    return;
  }
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("invalid metric for implicit feedback: '%s'", name.c_str()),
                  format("Use 'recall@K', 'precision@K', 'ndcg@K', 'map@K' or 'hit_rate@K' with a "
                         "number K from 1 to %d, such as 'ndcg@20'.",
                         kMaxCutoff));
}

std::string HoldoutMetric::name() const {
  for (const Ranking& ranking : kRankings) {
    if (ranking.kind == kind_) return format("%s@%zu", ranking.name, cutoff_);
  }
  return "rmse";
}

double HoldoutMetric::value(const Trainer& trainer, const TrainingData& data,
                            ThreadTeam& team) const {
  if (kind_ == Kind::kRmse)
    return rmse(data.held_out(), trainer.users(), trainer.items(), trainer.mean(), team);
  RankingMetrics::AtCutoff metrics =
      ranking_at(cutoff_, data.held_out(), data.ratings().by_user(), data.user_keys(),
                 trainer.users(), trainer.items(), team);
  switch (kind_) {
    case Kind::kPrecision:
      return metrics.precision;
    case Kind::kNdcg:
      return metrics.ndcg;
    case Kind::kMap:
      return metrics.map;
    case Kind::kHitRate:
      return metrics.hit_rate;
    default:
      return metrics.recall;
  }
}

}  // namespace als::pg
