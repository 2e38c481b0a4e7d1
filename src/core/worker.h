// What a thread needs to solve rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/normal_equations.h"
#include "core/row_solver.h"
#include "core/term_accumulator.h"

namespace als {

struct Worker {
  Worker(std::size_t factors, bool bias)
      : terms(factors, bias),
        equations(terms.unknowns()),
        solver(terms.unknowns()),
        solution(terms.unknowns()) {}

  TermAccumulator terms;
  NormalEquations equations;
  RowSolver solver;
  std::vector<float> solution;
  std::uint64_t expected = 0;  ///< the first rating whose vector was not announced to `terms` yet
};

}  // namespace als
