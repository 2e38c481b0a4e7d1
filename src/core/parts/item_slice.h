// The items' side: a slice of them with all that their half-steps need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/parts/sums.h"
#include "core/pieces/bytes.h"
#include "core/pieces/step.h"

namespace als {

struct SliceState;

/// A slice to begin with. Its sums of totals are those of all parts, see PieceSum. keys: of the
/// slice's items, as for initial_factors(); spread: RatingMoments::spread(), explicit alone.
Bytes make_slice(const PartsTraining& training, std::uint32_t slice, ByteView totals,
                 const std::vector<std::uint64_t>& keys, double spread, ThreadTeam& team);

/// The same with factors to start from, as many rows as the slice has items (a warm start).
Bytes make_slice(const PartsTraining& training, std::uint32_t slice, ByteView totals,
                 const Factors& factors, ThreadTeam& team);

/// Before Step::kUsers and kFinish: the slice in the basis of the step. `step`: the bytes that
/// PartsRunner got. kFinish leaves it as it is.
Bytes turn_slice(ByteView slice, ByteView step, ThreadTeam& team);

/// The slice's piece of the block of a step, after turn_slice(). Pieces joined by putting them one
/// after the other (`string_agg`) are a block. The block of kUsers serves the following kResidual
/// too.
Bytes slice_block(ByteView slice, ByteView step, ThreadTeam& team);

/// After kResidual, kProduct and kCompare, given the sums of all parts, see PieceSum: the slice
/// as it is then.
Bytes step_slice(ByteView slice, ByteView step, ByteView sums, ThreadTeam& team);

/// The same with a slice that is not in bytes.
void turn_slice(SliceState& slice, ByteView step, ThreadTeam& team);
Bytes slice_block(const SliceState& slice, ByteView step, ThreadTeam& team);
void step_slice(SliceState& slice, ByteView step, SliceSums&& sums, ThreadTeam& team);

/// What a slice says to PartsTrainer: its first bytes, which cost next to nothing to read.
Bytes report_of_slice(ByteView slice);

}  // namespace als
