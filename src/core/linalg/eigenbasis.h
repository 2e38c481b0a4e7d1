// The eigenvectors of a Gram matrix.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"

namespace als {

struct Eigenbasis {
  std::vector<double> eigenvalues;  ///< the largest first; rounding can take zero below it
  AlignedVector<float> rotation;    ///< a column each eigenvector, as Kernels::transform takes it

  /// Of an eigenvector, in row `row`.
  float component(std::size_t row, std::size_t eigenvector) const {
    const std::size_t n = eigenvalues.size();
    return rotation[(eigenvector / kBlock * n + row) * kBlock + eigenvector % kBlock];
  }
};

/// Of the Gram matrix of n components, laid out as kernels.h says. Nothing if it is not finite. The
/// bits do not depend on the number of threads.
std::optional<Eigenbasis> eigenbasis(const float* gram, std::size_t n, ThreadTeam& team);

/// Most bytes that eigenbasis() takes, its result included.
std::size_t eigenbasis_memory(std::size_t n);

}  // namespace als
