// A row on its way through a half-step of conjugate gradients.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"
#include "core/linalg/conjugate_gradients.h"
#include "core/linalg/factor_matrix.h"
#include "core/train/gram_basis.h"
#include "core/train/options.h"

namespace als {

/// Steps in a half-step, at most. With the basis and the preconditioner used here, two lead to as
/// low an objective after some sweeps as exact solutions do; one does not.
inline constexpr int kCgSteps = 2;

/// Steps for a row of so many ratings. Divided by what they are on average, its equations are 1 but
/// for the difference between a mean of that many and that of all: with m ratings and n factors
/// their eigenvalues lie within about (1 +- sqrt(n / m))^2 (Marchenko and Pastur 1967). For m = 8 n
/// these are 0.4 and 1.8, and one step leaves at most 0.4 of what there is to gain, as a rule much
/// less, of which the next half-steps make up. With few ratings a second step costs next to
/// nothing.
int cg_steps(const TrainOptions& options, std::uint64_t ratings);

/// Floats of x, of a residual or of a direction: a padded row of factors and, with biases, a block
/// for the bias.
inline std::size_t cg_unknowns(const TrainOptions& options) {
  return (blocks_of(static_cast<std::size_t>(options.factors)) + (options.biases ? 1 : 0)) * kBlock;
}

/// Row r as x, a residual or a direction.
void unpack(const Factors& factors, std::size_t r, float* to);
void pack(const float* from, std::size_t r, Factors& factors);

struct CgRow {
  explicit CgRow(std::size_t unknowns) : gradients(unknowns) {}

  std::size_t row = 0;
  std::uint64_t next = 0;  ///< the first rating that the present pass has not come to
  std::size_t summed = 0;  ///< ratings in the partial sum
  int steps = kCgSteps;    ///< see cg_steps()
  double targets = 0;      ///< the loss at x = 0
  double curvature = 0;    ///< of the last step, what the ratings have of it
  double loss = 0;         ///< where it started
  Ridge ridge{};
  float weight = 0;             ///< what the row's ratings add to the sum of its weights
  float extra = 0;              ///< a ridge around where the row was
  const float* mean = nullptr;  ///< what the ridge is around, padded; null: zero
  float bias_mean = 0;
  bool active = false;
  ConjugateGradients gradients;
};

/// What a row's equations have beside its ratings, in the basis of a half-step: a diagonal, of the
/// ridge and, for implicit feedback, of Y^T Y.
class CgEquations {
 public:
  /// Both must outlive this.
  CgEquations(const TrainOptions& options, const GramBasis& basis);

  /// After the first pass: the rest of the residual and of the loss, and the preconditioner. The
  /// row's ridge and weight must be known.
  void start(CgRow& row) const;

  /// The preconditioner again, and the ridge around where the row was.
  void precondition(CgRow& row) const;

  /// Whether a step is worth its time.
  static bool is_active(const CgRow& row);

  /// After a pass of products: their rest, and the step.
  void step(CgRow& row) const;

  /// The same for the last step, for which the curvature is enough.
  void last_step(CgRow& row) const;

  /// Where the row has come to.
  struct Outcome {
    double loss;
    double ridge;   ///< its part of the loss
    bool finite;    ///< else x is spoiled
    bool in_doubt;  ///< rounding errors may be so large that the row was better where it was
  };
  Outcome outcome(const CgRow& row) const;

 private:
  CgDiagonal diagonal_of(const CgRow& row) const;
  void add_mean(CgRow& row) const;
  float mean_diagonal(const CgRow& row, std::size_t k) const;
  float proximal_ridge(const CgRow& row) const;

  const Kernels& kernels_;
  const GramBasis& basis_;
  bool implicit_;
  bool biases_;
  std::size_t factors_;
  std::size_t stride_;
};

}  // namespace als
