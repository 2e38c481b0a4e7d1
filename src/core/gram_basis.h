// The basis in which conjugate gradients converge fast.
#pragma once

#include <cstddef>
#include <vector>

#include "core/factor_matrix.h"
#include "core/kernels.h"
#include "core/normal_equations.h"
#include "core/ratings.h"
#include "core/thread_team.h"

namespace als {

/// Scores, norms and so the objective stay as they are when the vectors of both sides are turned by
/// the same rotation. In the basis of the eigenvectors of the Gram matrix Y^T Y of the side held
/// fixed, that matrix, the part which the normal equations of all rows have in common, is diagonal:
/// so the diagonal of a row's equations is a good preconditioner, and the products with Y^T Y cost
/// nothing.
class GramBasis {
 public:
  explicit GramBasis(std::size_t factors)
      : eigenvalues_(padded(factors)), mean_squares_(padded(factors)) {}

  /// Turns both sides to the eigenvectors of `gram`, the largest eigenvalue first, and leaves in
  /// `gram` what it is then. `fixed_ratings`: the ratings by the rows of `fixed`. Throws
  /// std::range_error if `gram` is not finite. The decomposition cannot be interrupted: 20 ms for
  /// 256 factors, a second for 1024.
  void turn(NormalEquations& gram, const CompressedRows& fixed_ratings, Factors& fixed,
            Factors& solved, ThreadTeam& team);

  /// Of `gram`, in the order of the components; padded with zeros to a multiple of 16.
  const float* eigenvalues() const { return eigenvalues_.data(); }

  /// Of each component of a turned fixed vector, over all ratings; padded likewise.
  const float* mean_squares() const { return mean_squares_.data(); }

 private:
  static std::size_t padded(std::size_t factors) { return blocks_of(factors) * kBlock; }
  void sum_squares(const CompressedRows& ratings, const FactorMatrix& fixed, ThreadTeam& team);

  std::vector<float> eigenvalues_;
  std::vector<float> mean_squares_;
};

}  // namespace als
