// The rows that als.evaluate returns.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/evaluate/prediction_error.h"
#include "core/evaluate/ranking_metrics.h"

namespace als::pg {

/// A row of the result.
struct Measurement {
  const char* metric;
  std::optional<std::uint32_t> k;
  std::optional<double> value;
  std::optional<double> baseline;  ///< the same of the most popular items, or of item means
  std::int64_t n;
};

/// A share of `all`; none where there is nothing to have a share of.
Measurement share_of(const char* metric, std::size_t part, std::size_t all);

/// RMSE, MAE and R^2; the baselines are those of item means, where they are known.
void add_prediction_errors(const PredictionEvaluator& evaluator, bool has_means,
                           std::vector<Measurement>& result);

/// Precision, recall, ... at each cutoff, MRR and AUC; the baseline is that of the most popular
/// items.
void add_ranking_metrics(const RankingMetrics& model, const RankingMetrics& popular,
                         const std::vector<std::uint32_t>& cutoffs, std::size_t items,
                         std::vector<Measurement>& result);

}  // namespace als::pg
