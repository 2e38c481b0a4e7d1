// The directions in which vectors differ most.
#pragma once

#include <optional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// The first two principal components: a vector y lies at ((y - centre) . axes[0], (y - centre) .
/// axes[1]).
struct PrincipalAxes {
  std::vector<float> centre;
  std::vector<float> axes[2];  ///< of length 1; the second is zero where vectors have one component
  double variance_shares[2];   ///< of all variance; 0 where there is none

  double place(const float* vector, int axis) const;
};

/// Of the rows of a matrix, from which it takes their mean. The eigenvectors of their Gram matrix
/// then, each with the sign that makes its largest component positive. Nothing if a vector is not
/// finite.
std::optional<PrincipalAxes> principal_axes(FactorMatrix& rows, ThreadTeam& team);

}  // namespace als
