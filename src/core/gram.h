// The Gram matrix of one side's vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/factor_matrix.h"
#include "core/normal_equations.h"
#include "core/segmented_sum.h"
#include "core/term_accumulator.h"
#include "core/thread_team.h"

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
