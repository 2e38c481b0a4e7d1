// The eigenvectors, or the identity.
#include "core/search/bound_rotation.h"

#include <optional>
#include <utility>

#include "core/linalg/eigenbasis.h"

namespace als {

AlignedVector<float> bound_rotation(const float* gram, std::size_t n, ThreadTeam& team) {
  if (std::optional<Eigenbasis> basis = eigenbasis(gram, n, team)) {
    return std::move(basis->rotation);
  }
  AlignedVector<float> identity(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t k = 0; k < n; ++k) identity[(k / kBlock * n + k) * kBlock + k % kBlock] = 1.0F;
  return identity;
}

}  // namespace als
