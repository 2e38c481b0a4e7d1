// The Gram matrix of one side's vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"
#include "core/linalg/segmented_sum.h"
#include "core/linalg/term_accumulator.h"

namespace als {

/// Rows in a segment of the sum: one takes some milliseconds at most.
std::uint64_t gram_segment_size(std::size_t unknowns);

/// Adds weight(row) y y^T for all vectors y to `gram`. terms(thread): where that
/// thread gathers them.
void sum_gram(const FactorView& rows, const std::function<float(std::uint64_t row)>& weight,
              const std::function<TermAccumulator&(int thread)>& terms, SegmentedSum& segmented_sum,
              NormalEquations& gram);

/// Y^T Y.
NormalEquations gram_of(const FactorView& rows, ThreadTeam& team);

}  // namespace als
