// The eigenvectors of a Gram matrix.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/factor_matrix.h"

namespace als {

struct Eigenbasis {
  std::vector<double> eigenvalues;  ///< the largest first; rounding can take zero below it
  AlignedVector<float> rotation;    ///< a column each eigenvector, as Kernels::transform takes it
};

/// Of the Gram matrix of n components, laid out as kernels.h says. Nothing if it is not finite. The
/// decomposition cannot be interrupted: 20 ms for 256 factors, a second for 1024.
std::optional<Eigenbasis> eigenbasis(const float* gram, std::size_t n);

/// Most bytes that eigenbasis() takes, its result included: the matrix, the decomposition's copies
/// of it, and the rotation.
constexpr std::size_t eigenbasis_memory(std::size_t n) {
  return n * n * (3 * sizeof(double) + sizeof(float));
}

}  // namespace als
