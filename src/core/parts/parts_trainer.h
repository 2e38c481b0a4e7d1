// The order of the steps of a training over parts.
#pragma once

#include <cstddef>
#include <memory>

#include "core/base/thread_team.h"
#include "core/pieces/bytes.h"
#include "core/pieces/step.h"
#include "core/train/half_steps.h"

namespace als {

/// Runs one step on all machines. Made of SQL statements, or of loops in the tests.
class PartsRunner {
 public:
  virtual ~PartsRunner() = default;

  /// Step::kUsers, kFinish:
  ///
  ///   every slice = turn_slice(slice, step)
  ///   block = slice_block(slice, step) of every slice
  ///   every chunk: users = UsersStep(step, block, ...).run(chunk, users)
  ///
  /// Returns the PieceSum of the reports of all chunks.
  virtual Bytes step_users(const Bytes& step) = 0;

  /// Step::kResidual, kProduct, kCurvature, kCompare:
  ///
  ///   block = slice_block(slice, step) of every slice, or for kResidual what the last step_users()
  ///           of kind kUsers had
  ///   sums of every slice = PieceSum over parts of PartSums(block, ...) over their chunks
  ///   every slice = step_slice(slice, step, sums)
  ///
  /// Returns report_of_slice() of every slice, one after the other.
  virtual Bytes step_items(const Bytes& step) = 0;
};

/// A training over parts, by conjugate gradients: half-step by half-step as Trainer takes them, and
/// with its results but for rounding. To be given to Iterations.
class PartsTrainer : public HalfSteps {
 public:
  /// reports: report_of_slice() of every slice, as make_slice() made them, one after the other.
  /// users: the PieceSum of the reports of first_users(); empty where users begin with zeros.
  PartsTrainer(const PartsTraining& training, ByteView reports, PartsRunner& runner,
               ThreadTeam& team, ByteView users = {});
  ~PartsTrainer() override;

  double solve_users() override;
  double solve_items() override;
  double finish() override;
  std::size_t refined_rows() const override;

  /// Of the ratings kept out that the last half-step of the users was given: their root mean square
  /// error as rmse() of core/evaluate, for implicit feedback the recall of ranking_at(10, ...).
  /// 0 if there were none.
  double holdout_metric() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace als
