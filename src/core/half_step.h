// One half of a sweep: all rows of one side, the other side held fixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/factor_matrix.h"
#include "core/normal_equations.h"
#include "core/options.h"
#include "core/ratings.h"
#include "core/segmented_sum.h"
#include "core/thread_team.h"
#include "core/worker.h"

namespace als {

/// One side of a model: a factor vector for each user (or item) and, with biases, a bias each.
struct Factors {
  FactorMatrix matrix;
  std::vector<float> bias;  ///< empty without biases
};

/// The working memory of both half-steps.
struct Workshop {
  Workshop(std::size_t factors, bool bias, ThreadTeam& team);

  std::vector<Worker> workers;  ///< one for each thread
  SegmentedSum segmented_sum;
  NormalEquations gram;  ///< implicit: Y^T Y of the fixed side
};

class HalfStep {
 public:
  /// `rows`: the ratings by the side to be solved. mean: mu, or 0 without biases.
  HalfStep(const CompressedRows& rows, std::size_t other_rows, const TrainOptions& options,
           double mean);

  struct Result {
    double fit = 0;    ///< sum over all cells of w (p - s)^2
    double ridge = 0;  ///< lambda * sum over rows of W^e |x|^2, biases included
    std::size_t refined_rows = 0;
  };

  Result solve(const Factors& fixed, Workshop& workshop, ThreadTeam& team, Factors& solved) const;

  /// The second term of the result, of any factors.
  double ridge(const Factors& factors, ThreadTeam& team) const;

 private:
  /// What the ratings of a row add up to, beside its normal equations.
  struct RowSums {
    double weight = 0;   ///< implicit: beyond the weight 1 that every cell has
    double targets = 0;  ///< sum of w p^2, the row's loss at x = 0

    void add(const RowSums& other) {
      weight += other.weight;
      targets += other.targets;
    }
  };

  double row_ridge(const RowSums& sums) const;
  RowSums add_some_ratings(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                           TermAccumulator& terms, NormalEquations& equations) const;
  RowSums add_ratings(std::uint64_t begin, std::uint64_t end, const Factors& fixed, Worker& worker,
                      NormalEquations& equations) const;
  void sum_gram(const Factors& fixed, Workshop& workshop) const;
  void finish_row(std::size_t row, const RowSums& sums, const Factors& fixed,
                  const NormalEquations& equations, Worker& worker, Factors& solved,
                  Result& result) const;
  double squared_errors(std::size_t row, const Factors& fixed,
                        const std::vector<float>& solution) const;
  void solve_short_rows(const Factors& fixed, Workshop& workshop, ThreadTeam& team, Factors& solved,
                        std::vector<Result>& results) const;
  void solve_long_rows(const Factors& fixed, Workshop& workshop, Factors& solved,
                       std::vector<Result>& results) const;

  const CompressedRows& rows_;
  std::size_t other_rows_;
  TrainOptions options_;
  double mean_;
  std::uint64_t segment_size_;
  std::vector<std::size_t> runs_;       // of rows that make a block of work
  std::vector<std::size_t> long_rows_;  // with more than segment_size_ ratings
  std::vector<std::uint64_t> long_sizes_;
};

}  // namespace als
