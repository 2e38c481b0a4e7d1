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

/// What came of one user.
struct UserResult {
  std::uint32_t user = 0;  ///< in the dictionary of the evaluation
  PredictionError errors;  ///< of no ratings where none is predicted
  PredictionError errors_of_means;
  std::optional<RankingMetrics> ranking;  ///< none where nothing relevant is ranked
  std::optional<RankingMetrics> popular;
};

/// What came of many of them.
struct GroupResult {
  explicit GroupResult(std::size_t cutoffs) : ranking(cutoffs), popular(cutoffs) {}

  void add(const UserResult& user);

  std::size_t rows = 0;         ///< of the test
  std::size_t predictable = 0;  ///< of them
  std::size_t users = 0;        ///< with a relevant row
  PredictionError errors;
  PredictionError errors_of_means;
  RankingMetrics ranking;  ///< sums
  RankingMetrics popular;
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

/// The same of one user, as far as a user has them: the errors, if any are measured, and the
/// metrics of rankings but for the catalog's coverage. The same metrics in the same order for
/// everybody; without a value where the user has none. Their n is 1.
std::vector<Measurement> user_measurements(const UserResult& user, bool has_errors, bool has_means,
                                           const std::vector<std::uint32_t>& cutoffs);

/// The same of a group, with the shares of rows and users that are measured at all.
std::vector<Measurement> group_measurements(const GroupResult& group, bool has_errors,
                                            bool has_means,
                                            const std::vector<std::uint32_t>& cutoffs);

}  // namespace als::pg
