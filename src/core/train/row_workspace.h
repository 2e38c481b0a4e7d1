// What a thread needs to solve rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/linalg/dual_solver.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/term_accumulator.h"
#include "core/train/cg_row.h"
#include "core/train/exact_solver.h"
#include "core/train/options.h"
#include "core/train/row_passes.h"

namespace als {

/// How many rows conjugate gradients take at a time at most, where that pays: so many that what a
/// pass needs of them, two vectors each, takes a part of the second-level cache.
std::size_t cg_batch_rows(const TrainOptions& options);

/// Of how many pairs of such a row and a tile of the other side it is noted how many ratings the
/// row has there.
std::size_t cg_tile_sizes(const TrainOptions& options, std::size_t others);

struct RowWorkspace {
  explicit RowWorkspace(const TrainOptions& options)
      : terms(static_cast<std::size_t>(options.factors), options.biases),
        equations(terms.unknowns()),
        solver(options),
        dual(static_cast<std::size_t>(options.factors), options.biases),
        solution(terms.unknowns()),
        before(terms.unknowns()),
        batch(cg_batch_rows(options), CgRow(cg_unknowns(options))) {}

  TermAccumulator terms;
  NormalEquations equations;
  ExactSolver solver;
  DualSolver dual;
  std::vector<float> solution;
  std::vector<float> before;  ///< the row as it was
  bool refined = false;       ///< single precision was not enough for the solution
  std::vector<CgRow> batch;
  PassChunk chunk;
  std::vector<std::uint16_t> tile_sizes;  ///< see cg_tile_sizes(); by tile, and then by row
  std::uint64_t expected = 0;  ///< the first rating whose vector was not announced to `terms` yet
};

}  // namespace als
