// The rows that als.evaluate returns.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/evaluate/evaluation_sums.h"

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
  std::uint32_t user = 0;                 ///< in the dictionary of the evaluation
  PredictionSums errors;                  ///< of no ratings where none is predicted
  std::optional<RankingMetrics> ranking;  ///< none where nothing relevant is ranked
  std::optional<RankingMetrics> popular;
};

/// Adds what came of one of them to the sums of many.
void add_user(const UserResult& user, EvaluationSums& sums);

/// Tells the caller of relevant items that are not ranked, if there are any.
void report_left_out(std::size_t left_out, std::size_t relevant);

/// A share of `all`; none where there is nothing to have a share of.
Measurement share_of(const char* metric, std::size_t part, std::size_t all);

/// RMSE, MAE and R^2; the baselines are those of item means, where they are known.
void add_prediction_errors(const PredictionSums& sums, bool has_means,
                           std::vector<Measurement>& result);

/// Precision, recall, ... at each cutoff, MRR and AUC, from means; the baseline is that of the most
/// popular items.
void add_ranking_metrics(const RankingMetrics& model, const RankingMetrics& popular,
                         const std::vector<std::uint32_t>& cutoffs, std::size_t items,
                         std::vector<Measurement>& result);

/// The same of one user, as far as a user has them: the errors, if any are measured, and the
/// metrics of rankings but for the catalog's coverage. The same metrics in the same order for
/// everybody; without a value where the user has none. Their n is 1.
std::vector<Measurement> user_measurements(const UserResult& user, bool has_errors, bool has_means,
                                           const std::vector<std::uint32_t>& cutoffs);

/// The same of a group, with the shares of rows and users that are measured at all.
std::vector<Measurement> group_measurements(const EvaluationSums& group, bool has_errors,
                                            bool has_means,
                                            const std::vector<std::uint32_t>& cutoffs);

}  // namespace als::pg
