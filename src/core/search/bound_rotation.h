// The rotation that the bounds of a search are made in.
#pragma once

#include <cstddef>

#include "core/base/aligned_vector.h"
#include "core/base/thread_team.h"

namespace als {

/// The eigenvectors of a Gram matrix, as Kernels::transform takes them, or no rotation at all where
/// it is not finite: any makes bounds that hold.
AlignedVector<float> bound_rotation(const float* gram, std::size_t n, ThreadTeam& team);

}  // namespace als
