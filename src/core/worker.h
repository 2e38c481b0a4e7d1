// What a thread needs to solve rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/conjugate_gradients.h"
#include "core/nonnegative_solver.h"
#include "core/normal_equations.h"
#include "core/options.h"
#include "core/row_solver.h"
#include "core/term_accumulator.h"

namespace als {

/// A few ratings of a row on their way through a pass of conjugate gradients.
struct PassChunk {
  static constexpr std::size_t kSize = 512;
  float weights[kSize];
  float targets[kSize];
  float dots[kSize];
};

struct Worker {
  explicit Worker(const TrainOptions& options)
      : terms(static_cast<std::size_t>(options.factors), options.biases),
        equations(terms.unknowns()),
        solver(terms.unknowns()),
        nonnegative_solver(options.nonnegative ? terms.unknowns() : 0),
        solution(terms.unknowns()),
        // The bias has a block of its own.
        gradients(
            (blocks_of(static_cast<std::size_t>(options.factors)) + (options.biases ? 1 : 0)) *
            kBlock) {}

  TermAccumulator terms;
  NormalEquations equations;
  RowSolver solver;
  NonnegativeSolver nonnegative_solver;
  std::vector<float> solution;
  ConjugateGradients gradients;
  PassChunk chunk;
  std::uint64_t expected = 0;  ///< the first rating whose vector was not announced to `terms` yet
};

}  // namespace als
