// The basis in which conjugate gradients converge fast.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/ratings.h"
#include "core/features/feature_prior.h"
#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Scores stay as they are when the vectors of one side are multiplied by an invertible matrix, and
/// those of the other side by its inverse, transposed. So there is a choice of bases.
///
/// In the one of the eigenvectors of the Gram matrix Y^T Y of the side held fixed, that matrix, the
/// part which the normal equations of all rows have in common, is diagonal: so the diagonal of a
/// row's equations is a good preconditioner, and the products with Y^T Y cost nothing.
///
/// And of the scales that a component can have, c times on one side and 1 / c times on the other,
/// one makes the ridges of both sides equal, and their sum the least. Alternating least squares
/// approach it in many sweeps only; here it is taken at once.
class GramBasis {
 public:
  /// One side, and by row its ratings and its lambda * W^e.
  struct Side {
    const CompressedRows& ratings;
    const std::vector<float>& ridges;
    FactorMatrix& factors;
    FeaturePrior* prior = nullptr;  ///< turned along, as the ridge is around its means
    double weights_ridge = 0;       ///< of the weights of features
  };

  explicit GramBasis(std::size_t factors)
      : eigenvalues_(padded(factors)), mean_squares_(padded(factors)) {}

  /// Turns and scales both sides, the largest eigenvalue first, and leaves in `gram`, which is that
  /// of `fixed`, what it is then. Throws std::range_error if `gram` is not finite.
  void turn(NormalEquations& gram, const Side& fixed, const Side& solved, ThreadTeam& team);

  /// By component, what the sides' vectors are multiplied by after they have been rotated.
  struct Scales {
    std::vector<float> fixed;
    std::vector<float> solved;
  };

  /// Given what the rotated vectors have of their side's ridge, by component.
  static Scales balance(const std::vector<double>& fixed_ridge,
                        const std::vector<double>& solved_ridge);

  /// Takes note of a basis into which the fixed side has been turned: of the eigenvalues of its
  /// Gram matrix and the scales, and then of what the sums of its squares are, over all `ratings`.
  void note(const std::vector<double>& eigenvalues, const Scales& scales,
            const std::vector<double>& squares, std::size_t ratings);

  /// Takes note of a basis that was found elsewhere, of which these are as below, not padded.
  void note(const std::vector<float>& eigenvalues, const std::vector<float>& mean_squares);

  /// Of `gram`, in the order of the components; padded with zeros to a multiple of 16.
  const float* eigenvalues() const { return eigenvalues_.data(); }

  /// A component whose part of the equations is smaller than this part of the largest may be
  /// rounding errors alone.
  static constexpr float kSingular = 1e-6F;

  /// Whether there is such a component, in `gram` or in the mean squares.
  bool singular() const { return singular_; }

  /// The same, but for a ridge that is on all rows at least. Rounding of the Gram matrix changes
  /// x^T Y^T Y x by some 1e-7 of its largest eigenvalue and |x|^2: a thousandth of what such a
  /// ridge has of the loss.
  bool singular(float least_ridge) const {
    return singular_ && !(least_ridge > kHeldDown * largest_);
  }
  static constexpr float kHeldDown = 1e-4F;  ///< of the largest eigenvalue

  /// Of each component of a turned fixed vector, over all ratings; padded likewise.
  const float* mean_squares() const { return mean_squares_.data(); }

 private:
  static std::size_t padded(std::size_t factors) { return blocks_of(factors) * kBlock; }
  std::vector<float> eigenvalues_;
  std::vector<float> mean_squares_;
  bool singular_ = false;
  float largest_ = 0;  // eigenvalue
};

}  // namespace als
