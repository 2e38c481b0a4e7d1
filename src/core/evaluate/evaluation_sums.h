// What an evaluation adds up, user by user.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/evaluate/prediction_error.h"
#include "core/evaluate/ranking_metrics.h"

namespace als {

/// Of one user, or of many.
struct EvaluationSums {
  explicit EvaluationSums(std::size_t cutoffs) : ranking(cutoffs), popular(cutoffs) {}

  /// The same as numbers that are sums one by one, but for the first ones, of which the greatest
  /// counts.
  static constexpr std::size_t kGreatest = 2;
  std::vector<double> numbers() const;
  static std::size_t count_of_numbers(std::size_t cutoffs);

  /// From count_of_numbers(cutoffs) numbers. Nothing if they cannot be such sums.
  static std::optional<EvaluationSums> of_numbers(const double* numbers, std::size_t cutoffs);

  std::size_t rows = 0;         ///< of the test
  std::size_t predictable = 0;  ///< of them
  std::size_t users = 0;        ///< with a relevant row
  std::size_t relevant = 0;     ///< known items that are relevant to known users
  std::size_t left_out = 0;     ///< of them not ranked, for having been seen
  PredictionSums errors;
  RankingMetrics ranking;  ///< sums
  RankingMetrics popular;
};

}  // namespace als
