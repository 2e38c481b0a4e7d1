// One half of a sweep: all rows of one side, the other side held fixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/ratings.h"
#include "core/features/feature_prior.h"
#include "core/linalg/double_gram.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/segmented_sum.h"
#include "core/train/gram_basis.h"
#include "core/train/options.h"
#include "core/train/row_objective.h"
#include "core/train/row_workspace.h"

namespace als {

/// The working memory of both half-steps.
struct TrainingWorkspace {
  TrainingWorkspace(const TrainOptions& options, ThreadTeam& team, double loss);

  std::vector<RowWorkspace> workers;  ///< one for each thread
  SegmentedSum segmented_sum;
  NormalEquations gram;       ///< Y^T Y of the fixed side
  DoubleGram double_gram;     ///< the same, once it was asked for
  bool careful = false;       ///< single precision is too coarse for Y^T Y
  float over_relaxation = 0;  ///< of the conjugate gradients' rows, see OverRelaxation
  double loss;                ///< after the last half-step; infinite if it is not known
  GramBasis basis;
};

class HalfStep {
 public:
  /// `rows`: the ratings by the side to be solved. others: how many rows the one held fixed has.
  /// mean: mu, or 0 without biases.
  HalfStep(const CompressedRows& rows, std::size_t others, const TrainOptions& options, double mean,
           ThreadTeam& team);
  HalfStep(const HalfStep&) = delete;

  /// Has rows lean on their features: the ridge is what FeaturePrior says then. `prior` must
  /// outlive this.
  void lean_on(FeaturePrior* prior) { prior_ = prior; }

  /// W^e of each row, 0 without ratings.
  std::vector<float> row_weights() const;

  /// What single precision leaves of Y^T Y may be off by some 1e-7 of the loss at x = 0, which
  /// matters where less than this is left of that.
  static constexpr double kCoarse = 1e-3;

  struct Result {
    double fit = 0;    ///< sum over all cells of w (p - s)^2
    double ridge = 0;  ///< lambda * sum over rows of W^e |x|^2, and what the biases have of it
    std::size_t refined_rows = 0;

    void add(const Result& other) {
      fit += other.fit;
      ridge += other.ridge;
      refined_rows += other.refined_rows;
    }
  };

  /// Solves every row exactly.
  Result solve(const Factors& fixed, TrainingWorkspace& workspace, ThreadTeam& team,
               Factors& solved) const;

  /// Takes a few steps of conjugate gradients in every row, from where it is. First turns both
  /// sides to another basis, see GramBasis, which can change the ridge of the fixed side too:
  /// `other` is the half-step that solves that.
  Result cg_step(Factors& fixed, const HalfStep& other, TrainingWorkspace& workspace,
                 ThreadTeam& team, Factors& solved) const;

  /// What solve() and cg_step() do once Y^T Y is in the workspace and, for the latter, the basis.
  Result solve_with_gram(const Factors& fixed, TrainingWorkspace& workspace, ThreadTeam& team,
                         Factors& solved) const;
  Result cg_step_in_basis(const Factors& fixed, TrainingWorkspace& workspace, ThreadTeam& team,
                          Factors& solved) const;

  /// Implicit feedback: the loss where all factors are zero; else 0.
  double zero_loss() const { return targets_; }

  /// lambda * W^e and, with biases, lambda_b * W^e of each row.
  const std::vector<float>& ridges() const { return ridges_; }
  const std::vector<float>& bias_ridges() const { return bias_ridges_; }

  /// The second term of the result, of any factors.
  double ridge(const Factors& factors, ThreadTeam& team) const;

 private:
  /// The rows cut into blocks of work, but for those with more than `longest` ratings.
  struct Plan {
    std::uint64_t longest;
    std::vector<std::size_t> runs;
    std::vector<std::size_t> long_rows;
  };

  static Result sum_of(const std::vector<Result>& results);
  Plan make_plan(std::uint64_t longest, std::size_t row_cost, std::size_t run_size) const;
  bool implicit() const { return objective_.implicit(); }
  const TrainOptions& options() const { return objective_.options(); }
  void weigh_rows(ThreadTeam& team);
  Ridge ridge_of(std::size_t row) const;
  double ridge_at(std::size_t row, const std::vector<float>& x) const;
  double ridge_around_mean(std::size_t row, const std::vector<float>& x) const;
  double add_prior(std::size_t row, NormalEquations& equations) const;
  GramBasis::Side in_basis(Factors& factors) const;
  double ridge_with_prior(const Factors& factors, ThreadTeam& team) const;
  double add_ratings(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                     RowWorkspace& worker, NormalEquations& equations) const;
  static void sum_gram(const Factors& fixed, const std::function<float(std::uint64_t row)>& weight,
                       TrainingWorkspace& workspace);
  void solve_row(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                 RowWorkspace& worker, Factors& solved, Result& result) const;
  bool solve_short_row(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                       RowWorkspace& worker, Factors& solved, Result& result) const;
  bool finish_row(std::size_t row, double targets, const Factors& fixed,
                  const TrainingWorkspace& workspace, RowWorkspace& worker, Factors& solved,
                  Result& result) const;
  double sum_over_rows(ThreadTeam& team, const std::function<double(std::size_t row)>& value) const;
  using SolveRow = std::function<void(std::size_t row, RowWorkspace& worker, Result& result)>;
  Result for_each_short_row(const Plan& plan, TrainingWorkspace& workspace, ThreadTeam& team,
                            Factors& solved, const SolveRow& solve_row) const;
  Result solve_long_rows(const std::vector<std::size_t>& rows, const Factors& fixed,
                         TrainingWorkspace& workspace, ThreadTeam& team, Factors& solved) const;

  // Where rounding errors matter, in half_step_guard.cpp.
  double quick_fit(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                   const std::vector<float>& x) const;
  double careful_fit(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                     ThreadTeam* team, const std::vector<float>& x) const;
  void keep_the_better(std::size_t row, const Factors& fixed, const TrainingWorkspace& workspace,
                       ThreadTeam* team, RowWorkspace& worker, Factors& solved,
                       Result& result) const;
  void be_careful(bool singular, const Factors& fixed, TrainingWorkspace& workspace,
                  ThreadTeam& team) const;
  Result measured(const Result& result, const Factors& fixed, TrainingWorkspace& workspace,
                  ThreadTeam& team, Factors& solved) const;

  // By conjugate gradients, in half_step_cg.cpp.
  struct Batch {
    const std::size_t* rows;
    std::size_t n;                    ///< of them, at most cg_batch_rows()
    std::size_t tile;                 ///< rows of the fixed side that they go through at a time
    std::function<void()> may_leave;  ///< see ThreadTeam::leave_if_asked()
  };
  void plan_batches(int threads);
  template <class Pass, class AddUp>
  void pass_over_row(CgRow& row, std::uint64_t stop, const Pass& pass, const AddUp& add_up) const;
  template <class Pass, class AddUp>
  void pass_over(RowWorkspace& worker, const Batch& batch, bool first, const Factors& fixed,
                 const Pass& pass, const AddUp& add_up) const;
  void take_steps(const Batch& batch, const Factors& fixed, const CgEquations& equations,
                  RowWorkspace& worker) const;
  void settle(CgRow& row, const Factors& fixed, const TrainingWorkspace& workspace,
              const CgEquations& equations, RowWorkspace& worker, Factors& solved,
              Result& result) const;
  void cg_step_rows(const Batch& batch, const Factors& fixed, const TrainingWorkspace& workspace,
                    RowWorkspace& worker, Factors& solved, Result* results) const;

  const CompressedRows& rows_;
  std::size_t others_;
  RowObjective objective_;
  RowPasses passes_;
  FeaturePrior* prior_ = nullptr;   // of the rows to be solved; null without features
  std::vector<float> weights_;      // of each row's ratings, see RowObjective::weight()
  std::vector<float> ridges_;       // lambda * W^e
  std::vector<float> bias_ridges_;  // lambda_b * W^e; empty without biases
  float least_ridge_ = 0;           // of a row that has ratings
  double targets_ = 0;              // see zero_loss()
  Plan exact_;
  Plan cg_;
  std::vector<std::size_t> batched_rows_;  // long ones, to be taken several at a time
  std::vector<std::size_t> batches_;       // the first place of each batch in batched_rows_
  std::vector<std::size_t> huge_rows_;     // too long for a block of work
};

}  // namespace als
