// Solves the normal equations of one row as the training's options ask for.
#pragma once

#include <cstddef>

#include "core/linalg/cholesky_solver.h"
#include "core/linalg/nonnegative_solver.h"
#include "core/train/options.h"

namespace als {

/// A CholeskySolver, or a NonnegativeSolver that leaves the bias free.
class ExactSolver {
 public:
  explicit ExactSolver(const TrainOptions& options)
      : factors_(static_cast<std::size_t>(options.factors)),
        nonnegative_(options.nonnegative),
        cholesky_solver_(nonnegative_ ? 0 : options.unknowns(), nonnegative_ ? 0 : factors_),
        nonnegative_solver_(nonnegative_ ? options.unknowns() : 0) {}

  /// x, whose values may serve as the start, gets the solution. Throws std::range_error where that
  /// is not finite.
  CholeskySolver::Solution solve(const NormalEquations& equations, Ridge ridge, float* x) {
    return nonnegative_ ? nonnegative_solver_.solve(equations, ridge, factors_, x)
                        : cholesky_solver_.solve(equations, ridge, x);
  }

  static std::size_t memory(const TrainOptions& options) {
    return options.nonnegative ? NonnegativeSolver::memory(options.unknowns())
                               : CholeskySolver::memory(options.unknowns());
  }

 private:
  std::size_t factors_;
  bool nonnegative_;
  CholeskySolver cholesky_solver_;
  NonnegativeSolver nonnegative_solver_;
};

}  // namespace als
