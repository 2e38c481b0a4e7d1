// What a thread needs to solve rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/linalg/conjugate_gradients.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/term_accumulator.h"
#include "core/train/exact_solver.h"
#include "core/train/options.h"

namespace als {

/// A few ratings of a row on their way through a pass of conjugate gradients.
struct PassChunk {
  static constexpr std::size_t kSize = 512;
  float weights[kSize];
  float targets[kSize];
  float dots[kSize];
};

/// A row on its way through a half-step of conjugate gradients.
struct CgRow {
  explicit CgRow(std::size_t unknowns) : gradients(unknowns) {}

  std::size_t row = 0;
  std::uint64_t next = 0;  ///< the first rating that the present pass has not come to
  std::size_t summed = 0;  ///< ratings in the partial sum
  double targets = 0;      ///< the loss at x = 0
  double loss = 0;         ///< where it started
  Ridge ridge{};
  float extra = 0;  ///< a ridge around where the row was
  bool active = false;
  ConjugateGradients gradients;
};

/// How many rows conjugate gradients take at a time at most, where that pays: so many that what a
/// pass needs of them, two vectors each, takes a part of the second-level cache.
std::size_t cg_batch_rows(const TrainOptions& options);

struct RowWorkspace {
  explicit RowWorkspace(const TrainOptions& options)
      : terms(static_cast<std::size_t>(options.factors), options.biases),
        equations(terms.unknowns()),
        solver(options),
        solution(terms.unknowns()),
        before(terms.unknowns()),
        // The bias has a block of its own.
        batch(cg_batch_rows(options), CgRow((blocks_of(static_cast<std::size_t>(options.factors)) +
                                             (options.biases ? 1 : 0)) *
                                            kBlock)) {}

  TermAccumulator terms;
  NormalEquations equations;
  ExactSolver solver;
  std::vector<float> solution;
  std::vector<float> before;  ///< the row as it was
  bool refined = false;       ///< single precision was not enough for the solution
  std::vector<CgRow> batch;
  PassChunk chunk;
  std::uint64_t expected = 0;  ///< the first rating whose vector was not announced to `terms` yet
};

}  // namespace als
